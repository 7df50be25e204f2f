# Who signs: the delivery workflow on this branch, by its identity at GitHub.
ISSUER ?= https://token.actions.githubusercontent.com
SIGNER ?= $(SOURCE)/.github/workflows/delivery.yml@refs/heads/$(BRANCH)
