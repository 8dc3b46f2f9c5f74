# Simulated homes, for trying a deployment out.
# By digest, from deploy/prepare; a machine of a developer may use the tag.
ARG PYTHON_IMAGE=python:3.12-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM ${PYTHON_IMAGE}
COPY requirements/sim.txt /tmp/requirements.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt \
 && pip install --no-cache-dir --no-deps /wheels/*.whl \
 && rm -r /wheels /tmp/requirements.txt \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin anju \
 && install -d -o anju -g anju -m 0700 /var/lib/anju
USER anju
WORKDIR /var/lib/anju
VOLUME /var/lib/anju
CMD ["anju", "sim", "live"]
