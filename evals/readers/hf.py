"""Hugging Face datasets on disk, read by pyarrow alone: nothing is fetched, and a part at a time is in memory.

What `datasets.save_to_disk` writes (Arrow), and what hubs hold (Parquet). pyarrow is the extra `hf`; the library
`datasets` would bring as much again and ask the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.evals.readers.files import Numbered
from stepwell.evals.suite import SuiteError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-not-found,unused-ignore]

N_ROWS_AT_ONCE = 256
ENDINGS = (".arrow", ".parquet")


def is_dataset(path: Path) -> bool:
    """Whether it is a file or a folder of Arrow or Parquet."""
    if path.is_dir():
        return bool(files_of(path)) or (path / "dataset_dict.json").is_file()
    return path.suffix.lower() in ENDINGS


def rows_of(path: Path, columns: Sequence[str] | None = None) -> Iterator[Numbered]:
    """Place (from 1) and row; labels that have names come by name.

    Args:
        columns: Read no others.

    Raises:
        SuiteError: pyarrow is not installed, or the data can't be read.
    """
    arrow = _arrow()
    n = 0
    for file in [path] if path.is_file() else _split(path):
        try:
            for batch in _batches(file, columns):
                names = _label_names(batch.schema)
                for row in batch.to_pylist():
                    n += 1
                    yield n, {k: _named(v, names.get(k)) for k, v in row.items()}
        except (arrow.ArrowException, OSError, ValueError, KeyError) as e:
            raise SuiteError(f"{file}: can't be read ({type(e).__name__})") from None


def files_of(folder: Path) -> list[Path]:
    """The folder's data files, those of a folder `data` in it, too."""
    found = [f for ending in ENDINGS for f in [*folder.glob(f"*{ending}"), *folder.glob(f"data/*{ending}")]]
    return sorted(f for f in found if not f.name.startswith("cache-"))


def _split(folder: Path) -> list[Path]:
    files = files_of(folder)
    if not files:
        splits = sorted(f.name for f in folder.iterdir() if f.is_dir())
        raise SuiteError(f"{folder} holds several splits; give one as a path: {', '.join(splits)}")
    splits = sorted({f.name.split("-")[0] for f in files if f.suffix == ".parquet"})
    if len(splits) > 1:
        raise SuiteError(f"{folder} holds several splits; give one file as a path: {', '.join(splits)}")
    return files


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as e:
        raise SuiteError("Arrow and Parquet need pyarrow: pip install 'stepwell[hf]'") from e
    return pa


def _batches(file: Path, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    if file.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq  # type: ignore[import-not-found,unused-ignore]

        with pq.ParquetFile(file, pre_buffer=False) as parquet:
            wanted = _there(columns, parquet.schema_arrow.names)
            yield from parquet.iter_batches(batch_size=N_ROWS_AT_ONCE, columns=wanted, use_threads=False)
        return
    import pyarrow as pa

    with pa.OSFile(str(file)) as source, _stream(source) as stream:
        for batch in stream:
            kept = _there(columns, batch.schema.names)
            part = batch if kept is None else batch.select(kept)
            for start in range(0, part.num_rows, N_ROWS_AT_ONCE):
                yield part.slice(start, N_ROWS_AT_ONCE)


def _stream(source: pa.NativeFile) -> pa.RecordBatchStreamReader:
    import pyarrow as pa

    return pa.ipc.open_stream(source)


def _there(columns: Sequence[str] | None, names: Sequence[str]) -> list[str] | None:
    """Those of the columns that are there; a row that lacks one is an error of its own."""
    return None if columns is None else [c for c in columns if c in names]


def _label_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Column -> the names of its labels, as `datasets` leaves them in the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    if not isinstance(features, Mapping):
        return {}
    of_class = {
        k: f for k, f in features.items() if isinstance(f, Mapping) and f.get("_type") == "ClassLabel"
    }
    return {k: f["names"] for k, f in of_class.items() if isinstance(f.get("names"), list)}


def _named(value: object, names: Sequence[str] | None) -> object:
    is_place = names is not None and isinstance(value, int) and 0 <= value < len(names)
    return names[value] if is_place and names is not None and isinstance(value, int) else value
