# Who signs: the pipeline of this branch, by its identity at the GitLab that holds the repository.
ISSUER ?= $(shell printf '%s' '$(SOURCE)' | sed -E 's,^(https://[^/]+)/.*,\1,')
SIGNER ?= $(SOURCE)//.gitlab-ci.yml@refs/heads/$(BRANCH)
