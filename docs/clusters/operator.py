"""A run on workers that the Dask operator for Kubernetes starts and stops: `pip install dask-kubernetes`, the operator installed."""

import subprocess
import sys

from dask_kubernetes.operator import KubeCluster, make_cluster_spec

IMAGE = "registry.example/eventminer:0.1.0"

spec = make_cluster_spec(
    name="eventminer",
    image=IMAGE,
    n_workers=16,
    # of scheduler and workers: one process with one thread in each pod
    resources={"requests": {"cpu": "1", "memory": "1500Mi"}, "limits": {"memory": "1800Mi"}},
    worker_command="dask worker --nthreads 1",
)
for container in spec["spec"]["worker"]["spec"]["containers"]:
    container["envFrom"] = [{"secretRef": {"name": "object-store"}}]
with KubeCluster(custom_cluster_spec=spec) as cluster:
    command = ["eventminer", "run", *sys.argv[1:], "--scheduler", cluster.scheduler_address]
    sys.exit(subprocess.run(command, check=False).returncode)
