"""Refine a policy where it lies: what `tune` has left in its folder, and new outcomes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.evals.tune.lesson import load_lesson
from stepwell.evals.tune.refine import refine
from stepwell.router.cascade.stored import ACCEPT_FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes
    from stepwell.router.learned.bundle import Bundle


def refine_folder(
    bundle: Bundle,
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    outcomes: Outcomes,
    vectors: NDArray[np.float32] | None,
) -> Bundle:
    """Refine the policy that was read from `folder` and write it into `out`, which may be the same.

    Raises:
        ConfigError: The folder lacks what was learnt from.
        BadRequest: As `refine`.
    """
    made, lesson = refine(bundle, load_lesson(folder), outcomes, vectors)
    made.save(out)
    lesson.save(out)
    accept = Path(folder) / ACCEPT_FILE
    if accept.is_file() and not Path(out).samefile(folder):
        shutil.copyfile(accept, Path(out) / ACCEPT_FILE)
    return made
