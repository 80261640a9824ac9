"""The exchanges just before the last turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.memory.context.packing.needs import Needs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.context.packing.needs import Mask

# What the last answer says is what "it" and "that" mean: it may take more than its share, but no more than this.
_LAST_SHARE = 0.5


def latest(needs: Needs, n_left: int, n_share: int, model: str) -> Mask:
    """Which of the latest messages stay in any case, shape (n,): whole exchanges within their share of tokens.

    The very last exchange may take half of what is left; where it is larger, its latest groups stay that fit the share.
    """
    import numpy as np

    kept = np.zeros(len(needs), dtype=np.bool_)
    may = needs.may.nonzero()[0]
    exchange = needs.view.shape.exchange[may]
    n_most, n_used, end = min(max(n_share, int(_LAST_SHARE * n_left)), n_left), 0, len(may)
    while end:
        start = int(exchange.searchsorted(exchange[end - 1]))
        places = may[start:end]
        if needs.view.about[places].sum() > 2 * n_most:  # spares counting it
            break
        n = needs.view.count(places, model)
        if n_used + n > n_most:
            break
        kept[places] = True
        n_used, end, n_most = n_used + n, start, min(n_share, n_left)
    if end == len(may) and end:
        _keep_end(needs, kept, may[start:end], min(n_share, n_left), model)
    return kept


def _keep_end(needs: Needs, kept: Mask, places: NDArray[np.int64], n_most: int, model: str) -> None:
    """Keep the latest groups of an exchange that fit, with the user's message that they answer."""
    import numpy as np

    view, n_left = needs.view, n_most
    for group in dict.fromkeys(view.shape.group[places[::-1]].tolist()):
        asked = int(view.shape.opener[group])
        wanted = {*view.shape.members(group), *([asked] if asked >= 0 and needs.may[asked] else [])}
        adds = np.array(sorted(place for place in wanted if not kept[place]), dtype=np.int64)
        if view.about[adds].sum() > 2 * n_left or (n := view.count(adds, model)) > n_left:
            return
        kept[adds] = True
        n_left -= n
