{%- from "slots.jinja" import slot with context -%}
# How a commit gets into production: the steps of the pipeline, each of which can be run by hand. docs/pipeline.md puts them in order.
# Needs docker with buildx, and git. The other tools run from their own images: one line says which version everybody uses.
.PHONY: {{ 'servers ' if cookiecutter.broker != 'none' or cookiecutter.database in cookiecutter._layers['database/server']['database'] }}integration contract-diff written audit image-archive sbom scan tag login publish sign verify promote rollback push

SYFT_IMAGE ?= docker.io/anchore/syft:v1.50.0@sha256:1288ea4c8b38767b4e620c1e312c8cb26b6e887a99b4f07ab6cd19fc6f225026
GRYPE_IMAGE ?= docker.io/anchore/grype:v0.118.0@sha256:8a93fc48da96bd6ec5981279d099b69de11541dc68fdf222fb9161f8ff284af7
BUILDKIT_IMAGE ?= docker.io/moby/buildkit:v0.32.2@sha256:28a898719c18a33f4e8000685287fa36fd0dd9560c6440227d3a732d79bb41d8
COSIGN_IMAGE ?= ghcr.io/sigstore/cosign/cosign:v3.1.3@sha256:9e5c2f2edc34351160407ca3416c61855bdf9403c3c5936e0f0be7fc261611b8

# The branch that everything is delivered from, and what a change is compared with.
BRANCH ?= main
BASE ?= origin/$(BRANCH)
# What the pipeline calls an image: no two commits share a tag, and people see the version.
TAG ?= $(VERSION)-$(or $(shell git rev-parse --verify --quiet --short=12 HEAD 2>/dev/null),$(error an image is named after its commit, and nothing is committed here yet))
# Where it is built: the builder, and the context of docker that it is made in, if not the present one.
BUILDER ?= delivery
BUILD_CONTEXT ?=
DOCKER_CONFIG ?= $(HOME)/.docker
export DOCKER_CONFIG
{{ slot("delivery.mk") }}
BUILD = docker buildx build --builder "$(BUILDER)" $(IMAGE_ARGUMENTS) $$(cat build/base-images) \
	--build-arg SOURCE_DATE_EPOCH="$(SOURCE_DATE_EPOCH)" --cache-from type=local,src=build/cache
# Every tool gets at build/ only, as whoever runs make.
TOOL = $(CONTAINER) run --rm --user "$$(id -u):$$(id -g)" --cap-drop ALL --read-only --tmpfs /tmp --env HOME=/tmp --workdir /work \
	--volume "$(CURDIR)/build:/work:ro"
COSIGN = $(TOOL) --env SIGSTORE_ID_TOKEN --env ACTIONS_ID_TOKEN_REQUEST_TOKEN --env ACTIONS_ID_TOKEN_REQUEST_URL \
	--env DOCKER_CONFIG=/docker --volume "$(DOCKER_CONFIG):/docker:ro" $(COSIGN_IMAGE)
PUBLISHED = $(IMAGE)@$$(cat build/digest)
{%- set kept = ["database"] if cookiecutter.database in cookiecutter._layers["database/server"]["database"] else [] %}
{%- set servers = kept + (["broker"] if cookiecutter.broker != "none" else []) %}
{%- if servers %}

servers: ## start the {{ servers | join(" and the ") }} of compose.yaml
	$(CONTAINER) compose up --detach --wait {{ servers | join(" ") }}

{% endif %}
{%- if cookiecutter.broker == "kafka" %}integration: export BROKER_URL ?= kafka://127.0.0.1:$(or $(KAFKA_PORT),9092)
{% endif %}
{%- if servers %}integration: servers ## start what the integration tests need, and run them
	$(MAKE) test-integration
{%- else %}

integration: test-integration ## run the integration tests; they need no server
{%- endif %}

contract-diff: ## ask whether this breaks anything that BASE promises
	@git rev-parse --verify --quiet "$(BASE):contracts" >/dev/null 2>&1 || { echo "BASE=$(BASE) has no contracts/ here to compare with:" \
		"git fetch origin $(BRANCH), or name a commit that has it, such as BASE=HEAD" >&2; exit 1; }
	rm -rf build/base && mkdir -p build/base
	git archive "$(BASE)" contracts | tar -x -C build/base
	CONTRACTS=build/base/contracts uv run pytest -q tests/contract -k nothing_breaks

written: contract env-example configuration slo ## write everything that is made from the code, and fail if it was not committed
	@git rev-parse --verify --quiet HEAD >/dev/null 2>&1 || { echo "nothing is committed here yet to compare with" >&2; exit 1; }
	git diff --exit-code

audit: ## look for known vulnerabilities in what uv.lock names
	uv audit --locked

build/base-images: Dockerfile
	mkdir -p build
	PYTHON_IMAGE="$(PYTHON_IMAGE)" UV_IMAGE="$(UV_IMAGE)" scripts/base-images.sh > $@.new && mv $@.new $@

image-archive: uv.lock build/base-images ## build the image into build/image.tar; build/cache makes the next time faster
	docker buildx inspect "$(BUILDER)" >/dev/null 2>&1 || docker buildx create --name "$(BUILDER)" --driver docker-container \
		--driver-opt "image=$(BUILDKIT_IMAGE)" $(BUILD_CONTEXT)
	$(BUILD) --output 'type=docker,name=$(IMAGE):$(TAG),dest=build/image.tar,rewrite-timestamp=true' \
		--cache-to type=local,dest=build/cache.new,mode=max .
	rm -rf build/cache && mv build/cache.new build/cache

sbom: ## list what is in build/image.tar (CycloneDX): build/sbom.cdx.json
	@$(call replace,build/sbom.cdx.json,$(TOOL) $(SYFT_IMAGE) scan docker-archive:/work/image.tar --output cyclonedx-json \
		--source-name "$(IMAGE)" --source-version "$(TAG)")

scan: ## refuse build/sbom.cdx.json with a known vulnerability, high or worse, that has been fixed; .grype.yaml tells exceptions
	mkdir -p build/grype
	$(TOOL) --volume "$(CURDIR)/build/grype:/cache" --env GRYPE_DB_CACHE_DIR=/cache --env TMPDIR=/cache \
		$(if $(wildcard .grype.yaml),--volume "$(CURDIR)/.grype.yaml:/.grype.yaml:ro") $(GRYPE_IMAGE) sbom:/work/sbom.cdx.json \
		$(if $(wildcard .grype.yaml),--config /.grype.yaml) --fail-on high --only-fixed

tag: ## print what the image of this commit is called
	@echo "$(TAG)"

login: ## let docker into the registry, as REGISTRY_USERNAME with REGISTRY_PASSWORD
	@printf '%s' "$$REGISTRY_PASSWORD" | docker login --username "$$REGISTRY_USERNAME" --password-stdin "$(firstword $(subst /, ,$(IMAGE)))"

publish: build/base-images ## push the image that was built last; build/digest says what it became
	$(BUILD) --output 'type=image,name=$(IMAGE):$(TAG),push=true,rewrite-timestamp=true' \
		--provenance mode=max,version=v1 --metadata-file build/published.json .
	sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' build/published.json > build/digest
	test -s build/digest

sign: ## sign what was published, with its contents and how it was built, as the pipeline that runs
	@$(call replace,build/provenance.json,docker buildx imagetools inspect "$(PUBLISHED)" --format '{{ "{{json .Provenance.SLSA}}" }}')
	$(COSIGN) sign --yes "$(PUBLISHED)"
	$(COSIGN) attest --yes --type cyclonedx --predicate sbom.cdx.json "$(PUBLISHED)"
	$(COSIGN) attest --yes --type slsaprovenance1 --predicate provenance.json "$(PUBLISHED)"

verify: ## ask whether the pipeline of this service signed TAG
	mkdir -p build "$(DOCKER_CONFIG)"
	$(COSIGN) verify --output text --certificate-identity "$(SIGNER)" --certificate-oidc-issuer "$(ISSUER)" "$(IMAGE):$(TAG)"

promote: ## commit that environment ENV runs TAG, or else what the one before it runs
	scripts/environments.py promote "$(ENV)" $(if $(filter command environment,$(origin TAG)),$(TAG))

rollback: ## commit that environment ENV runs what it ran before
	scripts/environments.py rollback "$(ENV)"

push: ## send these commits to BRANCH, after what others have sent
	scripts/environments.py push $(BRANCH)
