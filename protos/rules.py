"""Write the schema of protovalidate's rules to standard output, as a set of descriptors."""

import sys

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from protovalidate import ViolationPb

schema = FileDescriptorSet()
schema.file.add().ParseFromString(ViolationPb.desc().file.proto.to_binary())
sys.stdout.buffer.write(schema.SerializeToString())
