"""unpack_wheel.py WHEEL FOLDER: takes libtensorflow and the headers of its C API out of a tensorflow wheel.

FOLDER/lib gets the two shared libraries, FOLDER/include the headers under the names that C++ sources include.
"""

import pathlib
import re
import shutil
import sys
import zipfile

LIBRARIES = {"tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"}
INCLUDE = "tensorflow/include/"
# tensorflow/c includes tsl/c; wheels keep tsl beside tensorflow or in one of Bazel's external folders.
HEADER = re.compile(
    r"tensorflow/c/(eager/)?[^/]+\.h"
    r"|tensorflow/core/platform/ctstring[^/]*\.h"
    r"|(external/local_(tsl|xla)/)?(xla/)?tsl/(c|platform)/[^/]+\.h"
)


def target(name: str) -> str | None:
    if name in LIBRARIES:
        return "lib/" + name.rpartition("/")[2]
    if name.startswith(INCLUDE) and HEADER.fullmatch(name[len(INCLUDE) :]):
        return "include/" + name[len(INCLUDE) :]
    return None


def main(wheel: str, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            place = target(name)
            if place is None:
                continue
            path = pathlib.Path(folder, place)
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, path.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    for library in LIBRARIES:
        if not pathlib.Path(folder, target(library)).exists():
            sys.exit(f"{wheel} holds no {library}")


if __name__ == "__main__":
    main(*sys.argv[1:])
