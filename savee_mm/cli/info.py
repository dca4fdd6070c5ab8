"""The card of a model file, or the installed versions and weights."""

import json

import click

from savee_mm import load_card
from savee_mm._weights import REGISTRY, find_weights
from savee_mm.persistence._versions import installed_versions


def run_info(model_file=None, *, as_json=False):
    """Print the card of a model file; without a file, versions and weights.

    Parameters
    ----------
    model_file : str, default=None
        Model file.
    as_json : bool, default=False
        Whether to print JSON.
    """
    if model_file is not None:
        card = load_card(model_file)
        click.echo(json.dumps(card, indent=1, ensure_ascii=False) if as_json else card.to_markdown())
        return
    weights = {name: [path.name for path in find_weights(name) or ()] for name in REGISTRY}
    if as_json:
        click.echo(json.dumps({**installed_versions(), "weights": weights}, indent=1))
        return
    versions = installed_versions()
    lines = {"savee_mm": versions["savee_mm"], "python": versions["python"], **versions["libraries"]}
    for name, version in lines.items():
        click.echo(f"{name:18}{version or 'not installed'}")
    for name, files in weights.items():
        found = ", ".join(files) or f"missing; savee-mm fetch-weights {name}"
        click.echo(f"weights {name:10}{found} ({REGISTRY[name].licence})")
