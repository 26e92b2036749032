"""Every benchmark with its defaults, one after another: `python -m tests.bench [NAME ...]`, or `--list` to see the names.

Each is a command of its own too (`python -m tests.bench.NAME --help`). All of them take over half an hour on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

BENCHMARKS = {
    "mining": ["mining"],
    "mining_scale": ["mining_scale"],
    "error_rates": ["mining_proofs", "labels"],
    "link_error_rates": ["mining_proofs", "pictures"],
    "power": ["mining_proofs", "power"],
    "kb": ["kb"],
    "demo": ["demo"],
    "planted": ["planted"],
    "duplicates": ["duplicates"],
    "extraction": ["extraction"],
    "encoding": ["encoding"],
    "worker_kills": ["worker_kills"],
    "captions": ["captions"],
    "memory": ["memory"],
    "workers": ["workers"],
}


def run(name: str) -> bool:
    """Run one benchmark; say whether it ended well."""
    module, *arguments = BENCHMARKS[name]
    print(f"== python -m tests.bench.{' '.join([module, *arguments])}", flush=True)  # noqa: T201 - a command
    return subprocess.run([sys.executable, "-m", f"tests.bench.{module}", *arguments], check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--list", action="store_true", help="only give the names")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    if options.list:
        print("\n".join(BENCHMARKS))  # noqa: T201
        return 0
    failed = [name for name in options.names or BENCHMARKS if not run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
