"""A run on workers that SLURM starts: `pip install dask-jobqueue` beside eventminer, in an environment that all nodes see.

python slurm.py /shared/corpora/news --out /shared/runs/news
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

N_JOBS = 8
ENVIRONMENT = "/shared/eventminer"

with SLURMCluster(
    queue="cpu",
    account="images",
    # each job: sixteen processes with one thread each
    cores=16,
    processes=16,
    memory="24GB",
    walltime="08:00:00",
    # leave before SLURM kills: shards at work then go to other workers at once
    worker_extra_args=["--lifetime", "460m", "--lifetime-stagger", "10m"],
    # name the network between nodes, as `ip link` shows it
    interface="ib0",
    python=f"{ENVIRONMENT}/bin/python",
    job_script_prologue=[
        f"source {ENVIRONMENT}/bin/activate",
        # networks that were added with 'eventminer backbone add', where all nodes see them
        "export EVENTMINER_BACKBONES=/shared/backbones",
        "export OMP_NUM_THREADS=1",
    ],
) as cluster:
    cluster.scale(jobs=N_JOBS)
    cluster.wait_for_workers(1)
    command = ["eventminer", "run", *sys.argv[1:], "--scheduler", cluster.scheduler_address]
    sys.exit(subprocess.run(command, check=False).returncode)
