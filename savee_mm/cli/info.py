"""The card of a model file, the size of a cache folder, or the installed versions and weights."""

from datetime import datetime
from pathlib import Path

from savee_mm import load_card
from savee_mm._versions import installed_versions
from savee_mm.cli._text import echo, json_text


def run_info(path=None, *, as_json=False):
    """Print the card of a model file or the size of a cache folder; without a path, versions and weights.

    Parameters
    ----------
    path : str, default=None
        Model file or cache folder.
    as_json : bool, default=False
        Whether to print JSON.
    """
    if path is not None and Path(path).is_dir():
        _print_cache(path, as_json)
        return
    if path is not None:
        card = load_card(path)
        echo(json_text(card) if as_json else card.to_markdown(), lines=True)
        return
    # Imports that a card does not need.
    from savee_mm._weights import REGISTRY, find_weights

    weights = {name: [path.name for path in find_weights(name) or ()] for name in REGISTRY}
    if as_json:
        echo(json_text({**installed_versions(), "weights": weights}), lines=True)
        return
    versions = installed_versions()
    lines = {"savee_mm": versions["savee_mm"], "python": versions["python"], **versions["libraries"]}
    for name, version in lines.items():
        echo(f"{name:18}{version or 'not installed'}")
    for name, files in weights.items():
        found = ", ".join(files) or f"missing; savee-mm fetch-weights {name}"
        echo(f"weights {name:10}{found} ({REGISTRY[name].licence})")


def _print_cache(path, as_json):
    from savee_mm._cache import LIMIT_VARIABLE, FolderStore

    summary = FolderStore(path).summary()
    if as_json:
        echo(json_text(summary), lines=True)
        return
    echo(f"entries   {summary['entries']}")
    echo(f"size      {summary['bytes'] / 1e9:.3f} of {summary['limit'] / 1e9:g} GB ({LIMIT_VARIABLE})")
    if summary["entries"]:
        first, last = (datetime.fromtimestamp(summary[name]) for name in ("first_use", "last_use"))
        echo(f"last use  {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}")
