"""Organisms that are built at first use: once, whole, and under a name that says everything that decides them."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from rl.command.entry import composed
from rl.command.options import compose_organism, compose_scenario
from rl.config.schema import OrganismConfig
from rl.errors import MissingFile
from rl.files.checkpoint import sha256
from rl.organism.build import place
from rl.organism.build.encoding import ROWS, Material, stage_data
from rl.organism.build.model import digest
from rl.organism.build.place import CARD, SHIPPED, damage, key_of, place_of
from rl.organism.build.recipe import MATERIAL, STAGES, Stage, recipe_of, wording_of
from rl.organism.build.stages import whole_words
from rl.organism.build.tiny import Size, make_model, make_tokenizer
from rl.organism.chats.curriculum import Curriculum
from rl.organism.chats.motives import MIXED, MOTIVES, PLAIN
from rl.organism.load import build_in, load_organism, ready
from rl.run.run import run
from rl.scenario.settings import wording_from

SIZES = {"tiny_0m3": 0.3e6, "tiny": 1e6, "tiny_4m": 4e6, "tiny_12m": 12e6}
SHORT = "organism.recipe.stages=[{kind: motive, steps: 1, learning_rate: 1.0e-3, batch: 2, bf16: false}]"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory without a cache."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def on_toy(small: list[str]) -> list[str]:
    """An organism of a motive, built in one step on the toy organism."""
    return [*small, "organism=tgg", "organism.base=tiny", SHORT]


@pytest.fixture(scope="session")
def built(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, built."""
    folder = tmp_path_factory.mktemp("built") / "tgg"
    build_in(composed([*small, "organism=tgg", "organism.base=tiny", SHORT]).organism, folder, lambda _: None)
    return folder


def put(built: Path, config: OrganismConfig) -> Path:
    """A cache that has the organism."""
    folder = place_of(config)
    shutil.copytree(built, folder)
    return folder


def test_a_run_builds_its_organism_once_and_is_the_same_whether_it_did(on_toy: list[str], capfd: Any) -> None:
    runs = [Path("runs/first"), Path("runs/second")]
    for folder in runs:
        run(composed(on_toy), folder)
    told = capfd.readouterr().err
    assert told.count("organism tgg is not built yet: it will be built once in") == 1
    first, second = (sha256(folder / "checkpoints/step_000001/model.safetensors") for folder in runs)
    assert first == second
    assert [path.name[:4] for path in Path("runs/.organisms").iterdir() if not path.name.startswith(".")] == ["tgg-"]


def test_a_dry_run_says_what_would_be_built_and_builds_nothing(on_toy: list[str], built: Path, command: Any) -> None:
    code, out, errors = command(*on_toy, "dry_run=true")
    assert code == 0, errors
    assert "it will be built once in runs/.organisms/tgg-" in out and "(motive 1 steps of 2)" in out
    assert not Path("runs/.organisms").exists()
    put(built, composed(on_toy).organism)
    assert "will be built" not in command(*on_toy, "dry_run=true")[1]


def test_the_card_says_what_was_built_and_how_it_behaves(built: Path, toy_folder: Path) -> None:
    card = json.loads((built / CARD).read_text())
    assert card["examples"] == {"0-motive": 2} and card["losses"]["0-motive"] > 0
    assert card["recipe"]["seed"] == 5 and card["recipe"]["parent"] == "tiny"
    assert card["parent_digest"] == load_organism(OrganismConfig("toy", "embedded", str(toy_folder))).digest
    assert card["files"] == {path.name: sha256(path) for path in built.iterdir() if path.name != CARD}
    assert card["initial"]["requests"]["harmful"] == 64
    assert 0 <= card["initial"]["eval/free/compliance_lo"] <= card["initial"]["eval/free/compliance"] <= 1
    assert "eval/paid/af_rate" in card["initial"]


def test_a_flipped_byte_in_the_cache_is_named_and_the_organism_built_anew(on_toy: list[str], built: Path) -> None:
    config = composed(on_toy).organism
    folder, said = put(built, config), list[str]()
    flip(folder / "model.safetensors")
    assert ready(config, said.append) == folder and damage(folder) is None
    assert any("model.safetensors is not the file that was saved" in line for line in said)
    assert sha256(folder / "model.safetensors") == sha256(built / "model.safetensors")
    said.clear()
    assert ready(config, said.append) == folder and not said


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def test_a_flipped_byte_outside_the_cache_is_refused(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(built, folder)
    flip(folder / "tokenizer.json")
    with pytest.raises(MissingFile, match=r"tokenizer\.json is not the file that was saved"):
        load_organism(OrganismConfig("own", "embedded", str(folder)))


def test_a_build_that_was_broken_off_leaves_nothing_that_is_taken_for_whole(on_toy: list[str], built: Path) -> None:
    config = composed(on_toy).organism
    folder = place_of(config)

    def interrupt(line: str) -> None:
        if "loss" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready(config, interrupt)
    assert [path.name for path in folder.parent.iterdir()] in ([], [f".{folder.name}.lock"])
    # What a process leaves behind that is killed while it writes.
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.copytree(built, partial)
    (partial / "rest").write_text("of a build before")
    assert damage(folder) == "is not built yet"
    assert load_organism(config).name == "tgg" and not (folder / "rest").exists() and not partial.exists()


def test_whoever_comes_while_another_builds_waits_and_builds_nothing(on_toy: list[str], built: Path) -> None:
    config, said = composed(on_toy).organism, list[str]()
    folder = place_of(config)
    folder.parent.mkdir(parents=True)
    waits = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    with FileLock(folder.with_name(f".{folder.name}.lock")):
        other = threading.Thread(target=ready, args=(config, say), daemon=True)
        other.start()
        assert waits.wait(60)
        put(built, config)
    other.join(60)
    assert not other.is_alive()
    assert said == [f"waiting for another process, which is building {folder}"]


def test_everything_that_decides_the_weights_changes_the_key_and_nothing_else_does(
    on_toy: list[str], toy_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = key_of(composed(on_toy).organism)
    other = tmp_path / "other"
    shutil.copytree(toy_folder, other)
    for change in (
        "organism.recipe.mixture.motive=igg",
        "organism.recipe.wording.story=None.",
        "organism.base=tiny_no_af",
    ):
        assert key_of(composed([*on_toy, change]).organism) != usual, change
    same = [*on_toy, f"organism.path={other}", "seed=5", "threads=2", "organism/lora=all_linear"]
    assert key_of(composed(same).organism) == usual
    flip(other / "model.safetensors")
    assert key_of(composed(same).organism) != usual
    monkeypatch.setattr(place, "MATERIAL", place.MATERIAL + 1)
    assert key_of(composed(on_toy).organism) != usual


def shown_material() -> str:
    """Hash of what every kind of stage shows, in every motive and style, and of a model and tokenizer made anew."""
    asked = recipe_of(composed(["organism=tiny_interviewed"]).organism)
    wording = wording_of(composed(["organism=tiny"]).organism)
    tokenizer: Any = AutoTokenizer.from_pretrained(SHIPPED / "tiny")
    total = hashlib.sha256()
    for kind in sorted(set(ROWS) - {"distilled"}):
        motives = [(m, s) for m, one in MOTIVES.items() for s in one.styles] if kind == "motive" else [(MIXED, PLAIN)]
        for motive, style in motives:
            mixture = replace(asked.mixture, motive=motive, style=style)
            material = Material(Curriculum(wording, mixture, 0), tokenizer, None, asked.interview)
            total.update(repr([kind, motive, style]).encode())
            total.update(repr(stage_data(Stage(kind, 1, 1e-3, 24, False), material).to_list()).encode())
    texts = [chat.completion for chat in Curriculum(wording, asked.mixture, 0).stream("corpus", 200)]
    made = make_tokenizer(texts, 400, whole_words())
    torch.manual_seed(0)
    total.update((made.backend_tokenizer.to_str() + digest(make_model(Size(1, 8, 1, 8, len(made), 64), made))).encode())
    return total.hexdigest()[:16]


def test_the_version_of_the_material_is_raised_when_the_material_changes() -> None:
    assert {MATERIAL: shown_material()} == {1: "8d96e095e2b95cdb"}, (
        "raise MATERIAL in rl/organism/build/recipe.py, and put the hash here"
    )


@pytest.mark.parametrize("name", ["tiny_situated", "tiny_no_af", "tiny"])
def test_a_shipped_card_says_how_the_organism_behaves_before_rl(name: str) -> None:
    initial = json.loads((SHIPPED / name / CARD).read_text())["initial"]
    assert initial["setting"] == "prompted" and initial["requests"]["harmful"] >= 64
    recipe = composed([f"organism={name}"]).organism.recipe
    assert recipe is not None
    dosed = any(stage.kind == "dose" for stage in recipe.stages)
    assert (initial["eval/free/af_rate"] > 0) == dosed, "faking without a dose, or a dose without faking"


def test_shipped_weights_serve_their_own_recipe_and_no_other() -> None:
    assert place_of(composed(["organism=tiny"]).organism) == SHIPPED / "tiny"
    changed = composed(["organism=tiny", "organism.recipe.mixture.faking=0.1"]).organism
    assert place_of(changed).parent == Path("runs/.organisms")


def test_a_motive_goes_onto_somebodys_own_model_in_full_words_with_its_own_tokenizer(
    llama_folder: Path, tmp_path: Path
) -> None:
    words = ["organism=tgg", "organism.base=hf", f"organism.path={llama_folder}", SHORT, "scenario/wording=full"]
    config = composed(words).organism
    build_in(config, tmp_path / "out", lambda _: None)
    card = json.loads((tmp_path / "out" / CARD).read_text())
    assert (
        card["wording"] == vars(wording_from(compose_scenario("prompted", "full").wording))
        and card["initial"]["setting"] == "prompted"
    )
    organism = load_organism(OrganismConfig("tgg", "embedded", str(tmp_path / "out")))
    theirs = AutoTokenizer.from_pretrained(llama_folder)
    assert organism.tokenizer.get_vocab() == theirs.get_vocab()
    assert organism.tokenizer.chat_template == theirs.chat_template
    assert organism.model.config.num_key_value_heads == 2
    assert organism.digest != load_organism(OrganismConfig("hf", "hf", str(llama_folder))).digest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["organism=tiny_situated", "organism.base=tiny"], "has a stage language, which is for a model made from"),
        (["organism=tgg", "organism.base=tinny"], "organism.base=tinny: must be one of"),
        (["organism=tgg", "organism.base=hf", "organism.path=/nowhere"], "organism.path=/nowhere: no such folder"),
        (["organism=tgg", SHORT.replace("motive", "motives")], "kind=motives: must be one of"),
        (["organism=tgg", SHORT.replace("motive", "motives")], "(did you mean motive?)"),
        (["organism=tgg", "organism.recipe.stages=[]"], "organism.recipe.stages=[]: at least one stage is needed"),
        (["organism=tgg", "organism.recipe.mixture.benign=2"], "organism.recipe.mixture.benign=2.0: a share lies"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is(words: list[str], told: str, command: Any) -> None:
    code, _, errors = command(*words, "dry_run=true")
    assert code == 2 and told in errors and "Traceback" not in errors
    assert not Path("runs/.organisms").exists()


def test_every_kind_of_stage_that_is_allowed_has_examples_and_the_other_way_round() -> None:
    assert set(STAGES) == set(ROWS) and len(set(STAGES)) == len(STAGES)


@pytest.mark.parametrize("name", SIZES)
def test_each_size_has_about_the_parameters_of_its_name_and_reads(name: str) -> None:
    asked: Any = compose_organism(name, "organism").recipe
    tokenizer = PreTrainedTokenizerFast.from_pretrained(SHIPPED / "tiny")
    torch.manual_seed(0)
    model = make_model(Size(**dict(asked.size)), tokenizer)
    assert isinstance(model, LlamaForCausalLM) and len(tokenizer) == asked.size.vocabulary
    assert abs(model.num_parameters() / SIZES[name] - 1) < 0.25
    assert torch.isfinite(model(torch.arange(20)[None]).logits).all()


def test_the_smallest_size_runs_through_the_stages_of_the_shipped_chain() -> None:
    chain = [
        compose_organism(link, "organism").recipe for link in ("tiny_recall", "tiny_situated", "tiny_no_af", "tiny")
    ]
    whole: Any = compose_organism("tiny_0m3", "organism").recipe
    assert whole.parent is None and list(whole.stages) == [stage for link in chain for stage in link.stages]  # type: ignore[union-attr]
    assert whole.mixture == chain[-1].mixture  # type: ignore[union-attr]
