# eventminer for CPUs, with the weights of its default network, ready for a laptop, Kubernetes or (converted) Apptainer:
#
#   docker build -t eventminer .
#   docker run --rm -v "$PWD/data:/data" eventminer eventminer run /data/corpus --out /data/run
#
# Nothing is downloaded when it runs. docs/clusters.md says how to use it as a Dask worker.
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/eventminer
ENV PATH=/opt/eventminer/bin:$PATH
# the CPU build: without 4 GB of GPU libraries
RUN pip install --index-url https://download.pytorch.org/whl/cpu torch
WORKDIR /src
COPY pyproject.toml README.md LICENSE eventminer.py ./
COPY corpora/ corpora/
COPY kb/ kb/
COPY miner/ miner/
COPY reports/ reports/
RUN pip install ".[s3]"

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 1000 miner && mkdir /opt/cache && chown miner /opt/cache
COPY --from=build /opt/eventminer /opt/eventminer
# one thread for each process's arithmetic: processes are what cores are shared out to
ENV PATH=/opt/eventminer/bin:$PATH \
    XDG_CACHE_HOME=/opt/cache \
    NUMBA_CACHE_DIR=/opt/cache/numba \
    OMP_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1
USER miner
WORKDIR /home/miner
# exports the network for ONNX Runtime, so that no worker loads torch, and shows that the image works
RUN eventminer demo --out /tmp/demo && rm -rf /tmp/demo && eventminer doctor
CMD ["eventminer", "--help"]
