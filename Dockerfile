# testery-gate in a container; docs/container.md says how to build and use it.
# The base needs python3, 3.11 or later, with pip. Both stages have the same one: the environment
# made in the first finds its interpreter in the second.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_PYTHON=/opt/testery-gate/bin/python
WORKDIR /source
COPY requirements/build.txt requirements/deploy.txt requirements/
# The base's pip installs into an environment that has none.
RUN python3 -m venv --without-pip /opt/testery-gate \
 && python3 -m pip install --no-compile --require-hashes \
        -r requirements/build.txt -r requirements/deploy.txt
COPY LICENSE README.md pyproject.toml setup.cfg ./
COPY testery_gate testery_gate
RUN python3 -m pip install --no-compile --no-build-isolation --no-deps . \
 && python3 -m pip uninstall --yes setuptools
# Bytecode of all that the gate imports. The official images have none of the standard library
# either, which would cost every start a second. What rich knows of characters it imports when it
# measures the first one.
RUN /opt/testery-gate/bin/python -P -X pycache_prefix=/opt/testery-gate/bytecode -c "\
import pkgutil, testery_gate as gate; \
[__import__(module.name) for module in pkgutil.walk_packages(gate.__path__, 'testery_gate.')]; \
gate.text.columns(chr(8230))"

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/testery-gate /opt/testery-gate
# OpenShift's arbitrary users are in group 0.
RUN install --directory --owner=10001 --group=0 --mode=775 /workspace
ENV PATH=/opt/testery-gate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/testery-gate/bytecode \
    PYTHONUNBUFFERED=1
WORKDIR /workspace
# A number, which Kubernetes can see is not root; it needs neither a name nor a home.
USER 10001:0
HEALTHCHECK NONE
ENTRYPOINT ["testery-gate"]

ARG PYTHON_IMAGE
ARG VERSION=unreleased
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="testery-gate" \
      org.opencontainers.image.description="The gate between a Testery cloud test run and a deploy" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.url="https://github.com/testery-gate/testery-gate" \
      org.opencontainers.image.source="https://github.com/testery-gate/testery-gate" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
