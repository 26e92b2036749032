from __future__ import annotations

import logging
from pathlib import Path

import pytest

from corpora.records import read_corpus
from miner.errors import StorageError
from miner.run.folder import locate_run, open_run
from miner.store.remote import connect, require_no_secrets

SIGNED = "X-Amz-Credential=AKIA%2Feu&X-Amz-Signature=hunter2"
WITH_SECRETS = [
    "ftp://analyst:hunter2@127.0.0.1:9/news",
    "sftp://analyst:hunter2@127.0.0.1:9/news",
    "https://hunter2@127.0.0.1:9/news.csv",
    "s3://AKIA:hunter2@bucket/news",
    "zip://news.csv::https://analyst:hunter2@127.0.0.1:9/news.zip",
    f"https://127.0.0.1:9/news.csv?{SIGNED}",
    f"zip://news.csv::https://127.0.0.1:9/news.zip?{SIGNED}",
    "https://127.0.0.1:9/news.csv?sv=2024&sig=hunter2",
    "https://127.0.0.1:9/news.csv?Expires=1&Signature=hunter2",
    "https://127.0.0.1:9/news.csv?access_token=hunter2",
]
WITHOUT = [
    "/data/news",
    "s3://bucket/runs/june",
    "s3://bucket/a@b:c/june",
    "s3://bucket/june?versionId=3",
    "abfs://container@account.dfs.core.windows.net/news",
    "ssh://analyst@127.0.0.1/news",
    "github://fsspec:filesystem_spec@main/docs",
    "zip://news.csv::https://127.0.0.1/news.zip?download=1",
]


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_remote_address_with_credentials_is_refused_without_repeating_them(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for use in (connect, read_corpus, locate_run):
        with pytest.raises(StorageError, match="has credentials in it") as caught:
            use(url)
        said.append(f"{caught.value.message} {caught.value.hint}")
    assert "FSSPEC_FTP_PASSWORD" in said[0]
    assert not [line for line in [*said, caplog.text] if "hunter2" in line or "AKIA" in line]


@pytest.mark.parametrize("url", WITHOUT)
def test_remote_address_without_credentials_is_taken(url: str) -> None:
    require_no_secrets(url)


def test_remote_run_is_not_named_with_its_password() -> None:
    with pytest.raises(StorageError, match=r"'ftp://…@host/june' has credentials in it"):
        open_run(Path("ftp://me:hunter2@host/june"))


def test_remote_address_that_is_refused_keeps_its_place() -> None:
    with pytest.raises(StorageError, match=r"'zip://a\.csv::https://…@host/b\.zip\?…' has credentials"):
        require_no_secrets("zip://a.csv::https://me:hunter2@host/b.zip?x=1&token=hunter2")
