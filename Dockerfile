# Runs searches away from your files. CPU:
#   docker build -t autoresearch .
#   docker run --rm --init autoresearch                      the demo: a short search on the bundled digits
#   docker run --rm --init --user "$(id -u):$(id -g)" -v "$PWD:/repo" -w /repo autoresearch \
#       pytest --autoresearch --hours 12                     a search in your own repository
# So started candidates run in tier guarded (Landlock, seccomp). For tier sealed, with namespaces of their own, add
#   --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined
# and see docs/security.md for what that takes from the container's own walls.
# CUDA, with PyTorch (needs the NVIDIA container toolkit, and `--gpus all` in `docker run`):
#   docker build -t autoresearch:cuda --build-arg EXTRAS=report,tabular,torch \
#       --build-arg BASE=nvidia/cuda:12.6.3-base-ubuntu24.04 .
# What else a project needs goes into an image of its own: FROM autoresearch, RUN pip install ...
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}

# LightGBM needs libgomp, the walls around candidates libseccomp and, to be sealed by it, bubblewrap; a base without
# Python 3.11 or newer gets the distribution's.
RUN export DEBIAN_FRONTEND=noninteractive \
 && apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap git libgomp1 libseccomp2 \
 && { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
      || apt-get install --yes --no-install-recommends python3 python3-venv; } \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv \
 # A repository that is mounted belongs to another user than the one in here.
 && git config --system --add safe.directory '*'
ENV PATH=/opt/venv/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1

ARG EXTRAS=report,tabular
COPY pyproject.toml README.md LICENSE protocol.md /tmp/source/
COPY pytest_autoresearch /tmp/source/pytest_autoresearch
RUN pip install --no-cache-dir --disable-pip-version-check "/tmp/source[${EXTRAS}]" && rm -rf /tmp/source

# A user without rights; any other number will do as well, given with --user.
RUN useradd --create-home --uid 10001 researcher \
 && install --directory --owner=researcher --group=researcher /home/researcher/demo
USER researcher
WORKDIR /home/researcher/demo
COPY --chown=researcher:researcher pyproject.toml conftest.py protocol.md ./
COPY --chown=researcher:researcher experiments experiments
RUN git init --quiet --initial-branch=main && git add . \
 && git -c user.name=demo -c user.email=demo@localhost commit --quiet --message "the bundled examples"

# `docker stop` sends SIGTERM, at which a search ends in good order.
CMD ["pytest", "--autoresearch", "--autoresearch-experiments", "15", "experiments/digits"]
