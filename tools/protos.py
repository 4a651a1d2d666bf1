"""Generates `protos/gen` from `protos/cradle`, and the image that buf lints and compares.

    python -m tools.protos generate | check | lint | breaking | release | image

`validate.proto` comes from the protovalidate wheel and `google/*` from googleapis-common-protos, so nothing is
fetched. `release` keeps today's image as the one that later changes are compared with; `image` writes it to
build/cradle.binpb, which grpcurl takes as its protoset.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from google.type import date_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "gen"
RELEASED_IMAGE = PROTOS / "released.binpb"
BUILT_IMAGE = ROOT / "build" / "cradle.binpb"
BIN = Path(sysconfig.get_path("scripts"))


def sources() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "cradle").rglob("*.proto"))


def validate_descriptor(folder: Path) -> Path:
    """Write validate.proto and what it imports as a descriptor set, from the wheel that will enforce it."""
    found = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, timestamp_pb2, field_mask_pb2):
        found.file.append(descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb))
    found.file.append(descriptor_pb2.FileDescriptorProto.FromString(validate_pb._DESC.proto.to_binary()))
    path = folder / "validate.binpb"
    path.write_bytes(found.SerializeToString())
    return path


def run_protoc(folder: Path, *arguments: str) -> None:
    common = Path(date_pb2.__file__).parents[2]
    bundled = Path(protoc.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--descriptor_set_in={validate_descriptor(folder)}",
            f"-I{PROTOS}",
            f"-I{common}",
            f"-I{bundled}",
            *arguments,
        ]
    )
    if status:
        sys.exit(f"protoc failed with status {status}")


def generate(out: Path) -> None:
    """Fill the empty folder `out`."""
    with tempfile.TemporaryDirectory() as name:
        run_protoc(
            Path(name),
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_out=quiet:{out}",
            f"--mypy_grpc_out=quiet:{out}",
            f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
            *sources(),
        )
        run_protoc(
            Path(name),
            f"--python_out={out}",
            f"--mypy_out=quiet:{out}",
            f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
            "buf/validate/validate.proto",
        )
    for stub in [*out.rglob("*_pb2_grpc.py"), *out.rglob("*_pb2_grpc.pyi")]:
        if "add_" not in stub.read_text():
            stub.unlink()  # a file without a service has no stub to speak of
    for folder in [path for path in out.rglob("*") if path.is_dir()]:
        folder.joinpath("__init__.py").touch()


def image(out: Path) -> None:
    """Write the image buf reads: our files, what they import, and where each thing stands."""
    with tempfile.TemporaryDirectory() as name:
        run_protoc(Path(name), "--include_imports", "--include_source_info", f"--descriptor_set_out={out}", *sources())


def same(left: Path, right: Path) -> bool:
    comparison = filecmp.dircmp(left, right, ignore=["__pycache__"])
    if comparison.left_only or comparison.right_only:
        return False
    _, mismatch, errors = filecmp.cmpfiles(left, right, comparison.common_files, shallow=False)
    return not mismatch and not errors and all(same(left / sub, right / sub) for sub in comparison.common_dirs)


def buf(*arguments: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "image.binpb"
        image(path)
        command = [str(BIN / "buf"), arguments[0], str(path), *arguments[1:]]
        status = subprocess.run(command, cwd=PROTOS, check=False).returncode
    if status:
        sys.exit(status)


def main(command: str) -> None:
    match command:
        case "generate":
            shutil.rmtree(GENERATED, ignore_errors=True)
            GENERATED.mkdir()
            generate(GENERATED)
        case "image":
            BUILT_IMAGE.parent.mkdir(exist_ok=True)
            image(BUILT_IMAGE)
        case "check":
            with tempfile.TemporaryDirectory() as name:
                generate(Path(name))
                if not same(Path(name), GENERATED):
                    sys.exit("protos/gen is stale: run `make protos` and commit the result")
        case "lint":
            buf("lint", "--config", str(PROTOS / "buf.yaml"))
        case "breaking":
            buf("breaking", "--against", str(RELEASED_IMAGE), "--config", str(PROTOS / "buf.yaml"))
        case "release":
            image(RELEASED_IMAGE)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
