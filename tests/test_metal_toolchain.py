"""Finding Apple's tools: whatever they do, there is one message with the command that mends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_mac import VERSION, FakeMac, search_path

import build
from backends import doctor
from backends.build_generated import BuildOptions
from backends.build_generated import run as run_build
from backends.machine import Machine
from backends.metal.toolchain import probe
from backends.metal.toolchain.compiler import DOWNLOAD
from backends.metal.toolchain.language import choose_target
from backends.metal.toolchain.prepare import MODES, MetalBuild, prepare_metal
from backends.metal.toolchain.probe import MetalProbe, find_component, find_metal_compiler
from backends.tools import ProbeCache, ToolError
from codegen.settings import SettingError, Settings, read_settings

MISSING_COMPONENT = (
    "error: cannot execute tool 'metal' due to missing Metal Toolchain; use: xcodebuild -down..."
)
NO_DEVELOPER = (
    "xcrun: error: invalid active developer path (/Library/Developer/CommandLineTools), missing xcrun"
)
NO_UTILITY = 'xcrun: error: unable to find utility "metal", not a developer tool or in PATH'
LICENCE = "You have not agreed to the Xcode license agreements."


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMac:
    made = FakeMac(tmp_path / "tools" / "bin")
    monkeypatch.setenv("PATH", search_path(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return made


@pytest.fixture
def cache(tmp_path: Path) -> ProbeCache:
    return ProbeCache(tmp_path / "probes.json")


def look(mac: FakeMac, cache: ProbeCache, settings: Settings | None = None) -> MetalProbe:
    return find_metal_compiler(mac.machine, settings or Settings(), cache)


def says(text: str, status: int = 1) -> str:
    return f"cat <<'END'\n{text}\nEND\nexit {status}"


# ---- what is there -------------------------------------------------------------------------------


def test_a_compiler_that_answers_is_found(mac: FakeMac, cache: ProbeCache) -> None:
    found = look(mac, cache)
    assert found.compiler is not None
    assert found.compiler.version == found.found == "Apple metal version 32023.883 (metalfe-32023.883)"
    assert (found.mend, found.compiler.toolchains) == ("", "")


@pytest.mark.parametrize(
    ("script", "found", "mend"),
    [
        (says(MISSING_COMPONENT), "missing Metal Toolchain", DOWNLOAD),
        (says(NO_DEVELOPER), "invalid active developer path", probe.XCODE),
        (says(NO_UTILITY), "unable to find utility", probe.FULL_XCODE),
        (says(LICENCE, 69), "You have not agreed", probe.LICENCE),
        ("exit 0", "a compiler that prints nothing", DOWNLOAD),
        (says("clang version 21", 0), "clang version 21", DOWNLOAD),
        (says("Apple metal version 1") + "\nexit 1", "Apple metal version 1", DOWNLOAD),
        ("exec sleep 30", "timed out after 0.5 seconds", probe.FIRST_LAUNCH),
        ("kill -9 $$", "a compiler that prints nothing", DOWNLOAD),
    ],
    ids="component developer utility licence silent other failing hanging killed".split(),
)
def test_a_compiler_that_does_not_answer_is_none(
    mac: FakeMac, cache: ProbeCache, script: str, found: str, mend: str
) -> None:
    mac.machine = replace(mac.machine, patience=0.5)
    mac.xcodebuild("uninstalled", identifier="")
    mac.xcrun(version=script)
    seen = look(mac, cache)
    assert seen.compiler is None
    assert found in seen.found and "\n" not in seen.found
    assert seen.mend == mend


def test_without_xcrun_the_tools_are_to_be_installed(mac: FakeMac, cache: ProbeCache) -> None:
    mac.without("xcrun")
    assert look(mac, cache) == MetalProbe(None, "no xcrun", "xcode-select --install")


@pytest.mark.parametrize(
    ("machine", "mend"),
    [
        (Machine("darwin", "x86_64"), "use a Python for arm64: arch -arm64 python3"),
        (Machine("linux", "aarch64"), "build on macOS; MLX runs the CPU kernels here"),
    ],
)
def test_elsewhere_nothing_is_run(mac: FakeMac, cache: ProbeCache, machine: Machine, mend: str) -> None:
    mac.xcrun(version=f"touch '{mac.folder}/ran'")
    assert find_metal_compiler(machine, Settings(), cache).mend == mend
    assert prepare_metal(machine, Settings(), "auto", cache) is None
    assert not (mac.folder / "ran").exists()


# ---- the component, and TOOLCHAINS ---------------------------------------------------------------

NEEDS_TOOLCHAINS = f"""if [ "$TOOLCHAINS" != com.apple.dt.toolchain.Metal.32023.883 ]; then
{says(MISSING_COMPONENT)}
fi
echo Apple metal version 32023.883"""


def test_a_component_that_xcrun_does_not_find_is_named_to_it(mac: FakeMac, cache: ProbeCache) -> None:
    mac.xcrun(version=NEEDS_TOOLCHAINS)
    made = prepare_metal(mac.machine, Settings(), "library", cache)
    assert made is not None and made.tools is not None
    assert made.tools.compiler.toolchains == "com.apple.dt.toolchain.Metal.32023.883"
    assert all(
        call.startswith("TOOLCHAINS=com.apple.dt.toolchain.Metal.32023.883 ") for call in mac.calls("metal")
    )
    assert mac.calls("metal")


def test_the_users_toolchain_is_the_only_one_tried(mac: FakeMac, cache: ProbeCache) -> None:
    mac.xcrun(version=NEEDS_TOOLCHAINS)
    seen = look(mac, cache, Settings(toolchains="org.swift.600"))
    assert seen.compiler is None
    assert seen.found.endswith("(TOOLCHAINS=org.swift.600)")
    assert seen.mend == "unset TOOLCHAINS"


@pytest.mark.parametrize(
    "text", ["", "no JSON {", "{}", "xcodebuild: error: unknown option '-showComponent'"]
)
def test_an_xcode_that_knows_no_component_is_none(mac: FakeMac, text: str) -> None:
    mac._program("xcodebuild", f'echo "{text}"; exit 64')
    assert find_component(mac.machine) == probe.Component()


def test_the_components_state_is_read_among_warnings(mac: FakeMac) -> None:
    found = find_component(mac.machine)
    assert (found.status, found.identifier) == ("installed", "com.apple.dt.toolchain.Metal.32023.883")


# ---- the compiler's identity ---------------------------------------------------------------------


def identity(mac: FakeMac, cache: ProbeCache) -> str:
    compiler = look(mac, cache).compiler
    assert compiler is not None
    return compiler.identity


@pytest.mark.parametrize("change", ["version", "metal", "metallib", "sdk"])
def test_another_compiler_has_another_identity(mac: FakeMac, cache: ProbeCache, change: str) -> None:
    before = identity(mac, cache)
    match change:
        case "version":
            mac.xcrun(version="echo Apple metal version 99")
        case "sdk":
            script = mac.folder / "xcrun"
            script.write_text(script.read_text().replace("26.2", "26.3"))
        case program:
            (mac.installed / program).write_text("of another day")
    assert identity(mac, cache) != before
    assert identity(mac, cache) == identity(mac, cache)


def test_where_the_component_is_mounted_does_not_matter(mac: FakeMac, cache: ProbeCache) -> None:
    before = identity(mac, cache)
    moved = mac.installed.rename(mac.installed.with_name("mounted again"))
    script = mac.folder / "xcrun"
    script.write_text(script.read_text().replace(str(mac.installed), str(moved)))
    assert identity(mac, cache) == before


def test_a_program_that_xcrun_starts_may_be_a_stub(mac: FakeMac, cache: ProbeCache) -> None:
    """Xcode's `metal` starts the component's; the identity holds both."""
    stub = mac.folder / "Xcode"
    stub.mkdir()
    (stub / "metal").write_text("a stub")
    script = mac.folder / "xcrun"
    script.write_text(script.read_text().replace(f'echo "{mac.installed}/$1"', f'echo "{stub}/$1"'))
    before = identity(mac, cache)
    (mac.installed / "metal").write_text("of another day")
    assert identity(mac, cache) != before


# ---- the language and the system -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language", "system"),
    [
        ({}, "metal3.1", "14.0"),
        ({"MACOSX_DEPLOYMENT_TARGET": "15"}, "metal3.1", "15"),
        ({"MACOSX_DEPLOYMENT_TARGET": "14"}, "metal3.1", "14"),
        ({"SGL_METAL_STD": "metal3.2", "MACOSX_DEPLOYMENT_TARGET": "15.2"}, "metal3.2", "15.2"),
        ({"SGL_METAL_STD": "metal9.9"}, "metal9.9", "14.0"),
    ],
)
def test_the_target_is_the_oldest_that_serves(
    environment: dict[str, str], language: str, system: str
) -> None:
    target = choose_target(read_settings(environment))
    assert target.flags == (f"-std={language}", f"-mmacosx-version-min={system}")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"MACOSX_DEPLOYMENT_TARGET": "11.0"},
            "looked for a deployment target of macOS 14.0 or newer, as MLX and metal3.1 need; "
            "found MACOSX_DEPLOYMENT_TARGET=11.0; to mend it: export MACOSX_DEPLOYMENT_TARGET=14.0",
        ),
        (
            {"SGL_METAL_STD": "metal4.0"},
            "looked for a deployment target of macOS 26.0 or newer, as MLX and metal4.0 need; "
            "found MACOSX_DEPLOYMENT_TARGET=14.0; to mend it: export MACOSX_DEPLOYMENT_TARGET=26.0",
        ),
        (
            {"SGL_METAL_STD": "metal3.0"},
            "looked for metal3.1 or newer, which has bfloat; found SGL_METAL_STD=metal3.0; "
            "to mend it: unset SGL_METAL_STD",
        ),
    ],
)
def test_an_impossible_target_names_its_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ToolError) as error:
        choose_target(read_settings(environment))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [("SGL_METAL_STD", "3.1"), ("SGL_METAL_STD", "metal3.1 -O0"), ("MACOSX_DEPLOYMENT_TARGET", "Sonoma")],
)
def test_a_version_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}='{value}' is not a version such as "):
        read_settings({name: value})


# ---- what is tried, said and offered -------------------------------------------------------------


def prepared(mac: FakeMac, cache: ProbeCache) -> MetalBuild:
    made = prepare_metal(mac.machine, Settings(), "auto", cache)
    assert made is not None
    return made


def test_a_trial_that_failed_is_tried_again(mac: FakeMac, cache: ProbeCache) -> None:
    mac.xcrun(metal="echo 'error: disk full'; exit 1")
    first = prepared(mac, cache)
    assert first.tools is None and "disk full" in first.notice
    mac.xcrun()
    assert prepared(mac, cache).tools is not None


def test_a_trial_that_worked_is_remembered(mac: FakeMac, cache: ProbeCache) -> None:
    prepared(mac, cache)
    mac.forget()
    prepared(mac, cache)
    assert mac.calls("metal") == []


def test_an_old_compiler_is_to_be_updated(mac: FakeMac, cache: ProbeCache) -> None:
    mac.xcrun(metal="echo \"error: invalid value 'metal3.1' in '-std=metal3.1'\"; exit 1")
    assert prepared(mac, cache).notice.endswith(f"for a compiled library: {probe.NEWER_XCODE}")


def test_a_failing_build_is_one_line(
    mac: FakeMac, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", "11.0")
    tree = Path(__file__).with_name("build_tree")
    assert run_build(BuildOptions(tree, tmp_path / "build", machine=mac.machine)) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("to mend it: export MACOSX_DEPLOYMENT_TARGET=14.0\n")


def test_the_front_door_offers_every_mode() -> None:
    assert tuple(MODES) == build.METAL_MODES


def state(mac: FakeMac, settings: Settings | None = None) -> dict[str, doctor.Finding]:
    findings = doctor.examine(settings or Settings(), mac.machine)
    rows = [row for row in findings if row.tool.startswith(("macOS", "Xcode", "Metal"))]
    assert all("\n" not in row.found for row in rows)
    return {row.tool: row for row in rows}


def test_the_doctor_has_a_line_for_each_piece(mac: FakeMac) -> None:
    rows = state(mac)
    assert all(row.works for row in rows.values())
    found = {name: row.found for name, row in rows.items()}
    assert found.pop("Metal cache").endswith("/caches/sgl-kernel-ir/metal (0.0 of 256 MiB)")
    assert found == {
        "macOS": "26.1",
        "Xcode": "Xcode 26.2 Build version 17C52",
        "Metal toolchain": "installed com.apple.dt.toolchain.Metal.32023.883",
        "Metal compiler": VERSION.splitlines()[0],
        "Metal library": "metal3.1 for macOS 14.0 and newer",
    }


def test_the_doctor_says_what_is_missing(mac: FakeMac) -> None:
    mac.xcodebuild("uninstalled", identifier="")
    mac.xcrun(version=says(MISSING_COMPONENT))
    rows = state(mac)
    assert {name for name, row in rows.items() if not row.works} == {
        "Metal toolchain", "Metal compiler", "Metal library",
    }  # fmt: skip
    assert rows["Metal toolchain"].found == "uninstalled"
    assert rows["Metal compiler"].mend == rows["Metal library"].mend == DOWNLOAD


def test_the_doctor_of_an_older_xcode_misses_no_component(mac: FakeMac) -> None:
    mac._program("xcodebuild", "[ $1 = -version ] && { echo 'Xcode 16.4'; exit 0; }; exit 64")
    assert state(mac)["Metal toolchain"].found == "not needed: part of Xcode"
    assert all(row.works for row in state(mac).values())


def test_the_doctor_of_a_bare_mac(mac: FakeMac) -> None:
    for name in ("xcrun", "xcodebuild", "sw_vers"):
        mac.without(name)
    rows = state(mac)
    assert rows["Metal compiler"].found == "no xcrun"
    assert rows["Xcode"].found == "no xcodebuild"
    assert "Metal cache" in rows
