# The base of the released image, which the release passes to the Dockerfile as PYTHON_IMAGE. It stands
# in a FROM of its own because Dependabot renews no ARG.
FROM docker.io/library/python:3.13-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8
