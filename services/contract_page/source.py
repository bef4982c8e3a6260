"""The contract as `buf` reads it: descriptors with their comments."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

# So that the rules in the options of fields are known when these are parsed.
from poolscore.v1 import names_pb2 as names_pb2

PROTOS = Path(__file__).parents[2] / "protos"

# Numbers of fields in descriptor.proto, which make the path of a comment.
MESSAGES, ENUMS, SERVICES = 4, 5, 6
"""In a file."""
MEMBERS = 2
"""In a message, an enum or a service: fields, values or methods."""


@dataclass(frozen=True)
class Source:
    """One file of the contract."""

    file: FileDescriptorProto
    comments: Mapping[tuple[int, ...], str]
    """By path, without line breaks inside a paragraph."""

    def comment(self, *path: int) -> str:
        """What stands above the thing at this path; empty when nothing does."""
        return self.comments.get(path, "")


def read_contract() -> list[Source]:
    """The files with services, by name. Raises CalledProcessError when `buf` cannot read them."""
    buf = Path(sys.executable).with_name("buf")
    built = subprocess.run(
        [buf, "build", PROTOS, "--path", PROTOS / "poolscore", "--output", "-"],
        stdout=subprocess.PIPE,
        check=True,
    )
    files = [each for each in FileDescriptorSet.FromString(built.stdout).file if each.service]
    return [_source(each) for each in sorted(files, key=lambda each: each.name)]


def _source(file: FileDescriptorProto) -> Source:
    places = file.source_code_info.location
    return Source(file, {tuple(each.path): _paragraphs(each.leading_comments) for each in places})


def _paragraphs(comment: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in comment.split("\n\n")).strip()
