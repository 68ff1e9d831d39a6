"""What Debian's packages need around them to start from a folder in which nobody has installed them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from readiness.tools.catalogue import Tool
from readiness.tools.places import NotFetched, cache, is_program, wrap

HEAD = "#!/bin/sh\n# Written by `readiness tools --fetch`: a package of this system, unpacked without root.\n"
SHARED = b"/usr/share/prometheus/alertmanager"
"""Where Debian's Alertmanager looks for its default template; it has no option for that."""
_SHARED_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")
DESCRIPTOR = b"/proc/self/fd/9"
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{own}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def wrap_unpacked(tool: Tool, root: Path) -> None:
    """Put a script into the cache that starts an unpacked program. Raises NotFetched."""
    if tool.name == "alertmanager":
        script = _alertmanager(tool, root)
    elif tool.name == "chromium":
        script = _chromium(root)
    else:
        script = _with_libraries(root) + _exec(_program(tool, root))
    wrap(tool, HEAD + script)


def libraries(root: Path) -> list[str]:
    """Return the folders of an unpacked package that have shared libraries: the usual one, PulseAudio's own."""
    return sorted({str(path.parent) for path in root.rglob("*.so*") if _SHARED_LIBRARY.search(path.name)})


def libraries_of(tool: Tool) -> list[str]:
    """Return those folders of a tool that was fetched without root; none where it was not."""
    roots = (cache() / "packages").glob(f"{tool.package}_*")
    newest = max(roots, key=lambda root: root.stat().st_mtime, default=None)
    return libraries(newest) if newest else []


def _program(tool: Tool, root: Path) -> Path:
    for folder in ("bin", "sbin"):
        for name in tool.programs:
            path = root / "usr" / folder / name
            if is_program(path):
                return path
    missing = " or ".join(tool.programs)
    raise NotFetched(f"the package {tool.package} has no program {missing} in /usr/bin or /usr/sbin")


def _with_libraries(root: Path) -> str:
    """Return what lets a program find the libraries that were unpacked beside it; nothing where there are none."""
    folders = ":".join(libraries(root))
    if not folders:
        return ""
    return f"LD_LIBRARY_PATH={shlex.quote(folders)}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\nexport LD_LIBRARY_PATH\n"


def _exec(program: Path) -> str:
    return f'exec {shlex.quote(str(program))} "$@"\n'


def _alertmanager(tool: Tool, root: Path) -> str:
    """Return a script that starts Alertmanager with its template.

    Debian takes the template out of the program and has it read from /usr/share, whatever `templates:` says. In a copy
    of the program the folder's name is replaced by one of the same length: that of a descriptor, which the script opens
    on the unpacked folder. Nothing else in the program changes, and it still runs in any working directory.
    """
    program = _program(tool, root)
    content = program.read_bytes()
    if SHARED not in content:
        return _exec(program)  # a version with the template inside, as the project builds it
    shared = root / SHARED.decode().removeprefix("/")
    if not (shared / "default.tmpl").is_file():
        raise NotFetched(f"the package {tool.package} has no default.tmpl where its program looks for it")
    copy = program.with_name(f"{program.name}.unpacked")
    copy.write_bytes(content.replace(SHARED, DESCRIPTOR.ljust(len(SHARED), b"/")))
    copy.chmod(0o755)
    return f"exec 9<{shlex.quote(str(shared))}\n{_exec(copy)}"


def _chromium(root: Path) -> str:
    """Return a script that starts Chromium with the libraries and the fonts that were unpacked beside it."""
    program = root / "usr" / "lib" / "chromium" / "chromium"
    if not is_program(program):
        raise NotFetched("the package chromium has no program in /usr/lib/chromium")
    fonts = root / "fonts.conf"
    fonts.write_text(FONTS.format(own=root / "usr" / "share" / "fonts"), encoding="utf-8")
    return f"{_with_libraries(root)}FONTCONFIG_FILE={shlex.quote(str(fonts))}\nexport FONTCONFIG_FILE\n{_exec(program)}"
