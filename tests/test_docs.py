"""The pages of docs/: what they show runs."""

import re
from pathlib import Path

import matplotlib.pyplot as plt

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def run(page):
    """Run the Python blocks of a page in one namespace, and return it."""
    text = page.read_text(encoding="utf-8")
    names = {}
    for found in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
        line = text[: found.start()].count("\n") + 1
        code = compile("\n" * line + found[1], str(page), "exec")
        exec(code, names)
    return names


def test_the_page_on_pybamm_runs_block_after_block(monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    names = run(PAGE.with_name("pybamm.md"))
    passed = names["summary"]["Change in discharge throughput [A.h]"]
    assert len(passed) == 3
    assert min(passed) > 0
    assert names["spectrum"].impedance.real.min() > 0
    plt.close("all")


def test_the_page_on_python_runs_block_after_block(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(PAGE)
    assert names["result"].as_asked
    assert len(names["compared"].table) == 1
    assert names["found"]["cathode.thickness [um]"].notna().all()
    written = {path.name for path in tmp_path.iterdir()}
    assert written >= {"overlay.svg", "curves.csv", "curves.xlsx", "curves.bdf.csv"}


def test_every_public_name_is_on_a_page():
    import tfbsim

    pages = "".join(p.read_text(encoding="utf-8") for p in PAGE.parent.glob("*.md"))
    pages += (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    names = {*tfbsim.__all__} - {"__version__"}
    assert not [name for name in names if name not in pages]
