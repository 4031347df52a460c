"""Makes the attacks here, each a file that means harm, small enough to commit. What has to be refused is in `FORMAT/refused`,
what is read all the same, without following the bait, in `FORMAT/harmless`. Needs nothing but Python."""

import json
import pathlib
import pickle
import shutil
import struct
import zipfile
import zlib

here = pathlib.Path(__file__).parent
for folder in here.iterdir():
    if folder.is_dir():
        shutil.rmtree(folder)


def put(path, data):
    path = here / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


# Specs.
good = """name: net
input: 32
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
head: {classes: 10}
"""


def yaml(name, text):
    put(f"yaml/refused/{name}.yaml", text)


bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
for level in range(1, 12):
    bomb += f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 9) + "]\n"
yaml("alias_bomb", bomb)
yaml("alias_bomb_in_blocks", good.replace("blocks:", "blocks: &b") + "more: [" + "*b," * 5000 + "]\n")
yaml("alias_of_itself", "name: &a [*a]\n")
yaml("alias_of_itself_in_map", "&a a: {b: *a}\n")
yaml("merge_bomb", "a: &a {x: 1}\n" + "".join(f"b{i}: {{<<: [*a, *a]}}\n" for i in range(2000)))
yaml("nested_lists", "name: " + "[" * 20000 + "]" * 20000)
yaml("nested_maps", "{a: " * 10000)
yaml("nested_by_indent", "".join(" " * i + f"a{i}:\n" for i in range(300)))
yaml("nested_dashes", "- " * 20000 + "x")
yaml("nested_questions", "? " * 20000 + "x")
yaml("long_key", good + "k" * 50000 + ": 1\n")
yaml("long_number", good.replace("filters: 8", "filters: " + "9" * 20000))
yaml("long_fraction", good.replace("filters: 8", "filters: 1." + "0" * 20000 + "1"))
yaml("long_exponent", good.replace("filters: 8", "filters: 1e" + "9" * 1000))
yaml("many_keys", good + "".join(f"k{i}: 1\n" for i in range(6000)))
yaml("duplicate_keys", good + "name: net\n" * 4000)
yaml("duplicate_name", good + "name: other\n")
letters = [chr(97 + i) for i in range(26)]
words = [a + b + c for a in letters for b in letters for c in letters][:15000]
choice = good.replace("filters: 8", "filters: {choose: [" + ",".join(words) + "]}")
yaml("many_alternatives", choice)
yaml("many_alternatives_of_a_space", choice + "limits: {macs: 1}\n")
yaml("many_documents", "---\n" * 10000)
yaml("many_anchors", "".join(f"- &a{i} x\n" for i in range(8000)))
yaml("many_tags", "!!str " * 1000 + "x")
yaml("tag_of_python", "name: !!python/object/apply:os.system ['id']\n")
yaml("tag_handle", "%TAG ! tag:evil,2000:\n---\nname: !x net\n")
yaml("directive", "%YAML 99999999999999999999.1\n---\n" + good)
yaml("include", "name: !include /etc/passwd\n")
yaml("labels_outside", good + "labels: ../../../../etc/passwd\n")
yaml("labels_absolute", good + "labels: /etc/passwd\n")
yaml("labels_of_windows", good + "labels: 'C:\\\\Windows\\\\win.ini'\n")
yaml("labels_share", good + "labels: '\\\\\\\\server\\\\share'\n")
yaml("labels_nul", good + 'labels: "a\\0b"\n')
yaml("nul", good.replace("net", "n\0t"))
yaml("half_utf8", good.encode() + b"\xc3")
yaml("utf16", b"\xff\xfe" + good.encode("utf-16-le"))
yaml("overlong_utf8", good.encode().replace(b"net", b"n\xc0\xaft"))
yaml("surrogates", good.replace("net", '"\\ud800"'))
yaml("huge_image", good.replace("input: 32", "input: 8192x8192x65536"))
yaml("image_overflows", good.replace("input: 32", "input: 4294967296x4294967296x3"))
yaml("image_overflows_more", good.replace("input: 32", "input: 18446744073709551615x2x2"))
yaml("huge_expansion", good.replace("  - ", "  - {op: mbconv, expand: 1e300, kernel: 3, filters: 8}\n  - "))
yaml("many_layers", good.replace("  - {op: sepconv, kernel: 3, filters: 8}", "  - {op: sepconv, kernel: 3, filters: 8, layers: 100}\n" * 100))
yaml("many_blocks", good.replace("  - {op: sepconv, kernel: 3, filters: 8}", "  - ir_r1_k3_s1_e6_c8\n" * 4000))
yaml("widths", good + "scale: {width: 1e308}\n")
yaml("infinite_width", good + "scale: {width: .inf}\n")
yaml("no_number_width", good + "scale: {width: .nan}\n")
yaml("block_string_numbers", good.replace("{op: sepconv, kernel: 3, filters: 8}", "ir_r1_k" + "9" * 50000 + "_s1_e6_c8"))
yaml("block_string_parts", good.replace("{op: sepconv, kernel: 3, filters: 8}", "ir" + "_k3" * 10000))
yaml("choices", good.replace("kernel: 3, filters", "kernel: {choose: [" + "3," * 50000 + "]}, filters"))
yaml("flow_of_commas", "{" + "," * 100000 + "}")
yaml("block_scalar", "name: |\n" + " x\n" * 20000)
yaml("quotes", 'name: "' + "\\u0041" * 10000 + '"\n')
yaml("open_quote", 'name: "' + "a" * 50000)
yaml("hidden_letters", good.replace("name: net", "name: n\u202eet\u200b"))

# Tokens of the macro.
tokens = "pub struct Net<32 x 32 x 3, 10> {{ stem conv k3 s2 c8; {} head; }}"


def token(name, text):
    put(f"tokens/refused/{name}.txt", text)


token("nested", "pub struct A<1 x 1 x 1> { padding " + "[" * 190 + "]" * 190 + "; }")
token("nested_choices", tokens.format("sepconv k3 c" + "choose[" * 180 + "8" + "]" * 180 + ";"))
token("many_layers", tokens.format("sepconv k3 c8 r100; " * 200))
token("many_blocks", tokens.format("sepconv k3 c8; " * 5000))
token("huge", tokens.format("mbconv e64 k15 c65536; " * 900))
token("long_number", tokens.format("sepconv k3 c" + "9" * 50000 + ";"))
token("long_ident", tokens.format("sep" + "conv" * 20000 + " k3 c8;"))
token("overflow", "pub struct A<18446744073709551615 x 2 x 2> { stem conv k3 s2 c8; sepconv k3 c8; head none; }")
token("raw_idents", tokens.format("r#sepconv r#k3 r#c8;"))
token("many_semicolons", tokens.format(";" * 50000))
token("many_doc_comments", "/// x\n" * 5000 + "pub struct")
token("two_items", tokens.format("sepconv k3 c8;") * 2)
token("labels_outside", tokens.format("sepconv k3 c8;").replace("{ stem", '{ labels "../../../etc/passwd"; stem'))


# Safetensors: a length, JSON, data.
def safetensors(name, header, data=b"", length=None):
    if isinstance(header, dict):
        # The same attack on the reader of networks in int8, which looks for its mark first.
        marked = json.dumps({"__metadata__": {"mnas.int8": "1"}, **header}).encode()
        put(f"int8/refused/{name}.safetensors", struct.pack("<Q", len(marked)) + marked + data)
        header = json.dumps(header).encode()
    put(f"safetensors/refused/{name}.safetensors", struct.pack("<Q", len(header) if length is None else length) + header + data)


def entry(shape, start, end, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


safetensors("length_of_everything", b"{}", length=2**64 - 1)
safetensors("length_wraps", b"{}", length=2**64 - 8)
safetensors("length_of_a_disk", b"{}", length=2**40)
safetensors("length_zero", b"{}", length=0)
safetensors("nothing", b"")
safetensors("nested", b'{"a":' * 20000)
safetensors("nested_lists", b'{"a":' + b"[" * 100000)
safetensors("nested_metadata", b'{"__metadata__":' + b'{"a":' * 10000 + b"1" + b"}" * 10001)
safetensors("shape_overflows", {"a": entry([2**32, 2**32], 0, 4)}, b"\0" * 4)
safetensors("shape_overflows_in_bytes", {"a": entry([2**62], 0, 4)}, b"\0" * 4)
safetensors("shape_of_zeros", {"a": entry([0, 2**63, 2**63], 0, 0)})
safetensors("shape_long", {"a": entry([1] * 20000, 0, 4)}, b"\0" * 4)
safetensors("offsets_wrap", {"a": entry([1], 2**64 - 4, 2**64 - 1)}, b"\0" * 4)
safetensors("offsets_backwards", {"a": entry([1], 4, 0)}, b"\0" * 4)
safetensors("offsets_beyond", {"a": entry([1], 0, 4)}, b"")
safetensors("offsets_overlap", {"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"\0" * 12)
safetensors("hole", {"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, b"\0" * 12)
safetensors("trailing_data", {"a": entry([1], 0, 4)}, b"\0" * 400)
safetensors("duplicate_names", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"\0" * 8)
safetensors("duplicate_keys", b'{"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4)
safetensors("same_bytes_often", {f"t{i}": entry([250000], 0, 1000000) for i in range(500)}, b"\0" * 1000)
safetensors("many_tensors", {f"t{i}": entry([0], 0, 0) for i in range(3000)})
safetensors("long_name", {"stem" * 10000: entry([1], 0, 4)}, b"\0" * 4)
safetensors("near_names", {f"stem.conv.weighs{i}": entry([0], 0, 0) for i in range(1999)})
safetensors("negative", b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"\0" * 4)
safetensors("fraction", b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4e0]}}', b"\0" * 4)
safetensors("control_names", {"a\x00\x1b[31m\u202e": entry([1], 0, 4)}, b"\0" * 4)
safetensors("half_surrogate", b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4)
safetensors("spaces", b" " * 50000 + b"{}")
put("safetensors/refused/git_lfs.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


# PyTorch: zip archives.
def archive(name, files, compression=zipfile.ZIP_STORED, edit=lambda data: data, kind="refused"):
    path = here / "pth-zip" / kind / f"{name}.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as out:
        for file, data in files:
            out.writestr(zipfile.ZipInfo(file), data, compression)
    path.write_bytes(edit(path.read_bytes()))


def executed(module, function, argument):
    return b"\x80\x02c" + f"{module}\n{function}\n".encode() + b"X" + struct.pack("<I", len(argument)) + argument.encode() + b"\x85R."


CALLS = {
    "os_system": ("os", "system", "touch /tmp/mnas-was-here"),
    "posix_system": ("posix", "system", "touch /tmp/mnas-was-here"),
    "nt_system": ("nt", "system", "calc"),
    "subprocess": ("subprocess", "check_output", "id"),
    "eval": ("builtins", "eval", "open('/etc/passwd').read()"),
    "exec_2": ("__builtin__", "exec", "import os"),
    "open": ("builtins", "open", "/etc/passwd"),
    "io_open": ("io", "open", "/etc/passwd"),
    "getattr": ("builtins", "getattr", "x"),
    "import": ("builtins", "__import__", "os"),
    "pickle_loads": ("pickle", "loads", "x"),
    "torch_load": ("torch", "load", "/etc/passwd"),
    "torch_hub": ("torch.hub", "load", "x"),
    "storage_of_file": ("torch", "FloatStorage.from_file", "/etc/passwd"),
    "runpy": ("runpy", "_run_code", "x"),
    "ctypes": ("ctypes", "CDLL", "libc.so.6"),
}
for name, call in CALLS.items():
    archive(name, [("a/data.pkl", executed(*call))])
    legacy = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s."
    put(f"pth-legacy/refused/{name}.pth", legacy + executed(*call))
    # Where the magic number should be.
    put(f"pth-legacy/refused/{name}_first.pth", executed(*call))


def tensor(shape, strides, length=4, offset=0, key="0"):
    out = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
    out += b"X" + struct.pack("<I", len(key)) + key.encode() + b"X\x03\0\0\0cpu" + number(length) + b"tQ" + number(offset)
    out += b"(" + b"".join(map(number, shape)) + b"t(" + b"".join(map(number, strides)) + b"t\x89ccollections\nOrderedDict\n)RtR"
    return out


def number(value):
    data = value.to_bytes(9, "little", signed=True)
    return b"\x8a\x09" + data if not -(2**31) <= value < 2**31 else b"J" + struct.pack("<i", value)


def state(items):
    return b"\x80\x02}(" + b"".join(b"X" + struct.pack("<I", len(n)) + n.encode() + t for n, t in items) + b"u."


def checkpoint(name, pickled, storage=b"\0" * 16):
    archive(name, [("a/data.pkl", pickled), ("a/data/0", storage)])


big = 2**62
checkpoint("shape_overflows", state([("a", tensor([big, big], [1, 1]))]))
checkpoint("shape_absurd", state([("a", tensor([2**31 - 1, 2**31 - 1], [0, 0]))]))
checkpoint("strides_overflow", state([("a", tensor([2, 2], [big, big]))]))
checkpoint("strides_negative", state([("a", tensor([4], [-1]))]))
checkpoint("offset_overflows", state([("a", tensor([4], [1], offset=2**63 - 1))]))
checkpoint("storage_absurd", state([("a", tensor([4], [1], length=2**62))]))
checkpoint("storage_missing", state([("a", tensor([4], [1], key="../../../etc/passwd"))]))
checkpoint("rank_absurd", state([("a", tensor([1] * 10000, [1] * 10000))]))
checkpoint("shared_without_end", state([(f"t{i}", tensor([20000], [1], length=20000)) for i in range(500)]), b"\0" * 80000)
checkpoint("zero_strides", state([(f"t{i}", tensor([2**30], [0])) for i in range(9)]))
checkpoint("marks", b"\x80\x02" + b"(" * 50000 + b".")
checkpoint("lists", b"\x80\x02" + b"]" * 50000 + b".")
checkpoint("nested_tuples", b"\x80\x02)" + b"\x85" * 50000 + b".")
checkpoint("list_of_itself", b"\x80\x02]q\0h\0a.")
checkpoint("dict_of_itself", b"\x80\x02}q\0X\x0a\0\0\0state_dicth\0s.")
checkpoint("memo_bomb", b"\x80\x02]q\0" + b"".join(b"](" + b"h" + bytes([i % 256]) + b"h" + bytes([i % 256]) + b"eq" + bytes([(i + 1) % 256]) for i in range(200)) + b".")
arguments = b"](" + b"X\x01\0\0\0aN\x86" * 4000 + b"e\x85q\1"
checkpoint("arguments_again", b"\x80\x02" + arguments + b"0" + b"ccollections\nOrderedDict\nh\1R0" * 3000 + b"}.")
checkpoint("string_absurd", b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"abc.")
checkpoint("long_absurd", b"\x80\x02\x8b\xff\xff\xff\x7f.")
checkpoint("frame_absurd", b"\x80\x04\x95" + b"\xff" * 8 + b"N.")
checkpoint("persistent_text", b"\x80\x02Pa\n.")
checkpoint("extension", b"\x80\x02\x82\x01.")
checkpoint("instance", b"\x80\x02(ios\nsystem\n.")
checkpoint("new_object", b"\x80\x02cos\nPathLike\n)\x81.")
checkpoint("stack_global", b"\x80\x04\x8c\x02os\x8c\x06system\x93.")
checkpoint("no_end", b"\x80\x02N")
checkpoint("opcodes_without_end", b"\x80\x02" + b"N0" * 700000 + b".")


# What is built from globals that are not known is data, and costs what the pickle has of it.
def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def call(module, function, arguments):
    return b"c" + f"{module}\n{function}\n".encode() + b"(" + arguments + b"tR"


def module(children, tensors=b""):
    """A module as PyTorch pickles it."""
    attributes = text("_parameters") + b"}(" + tensors + b"u" + text("_buffers") + b"}" + text("_modules") + b"}(" + children + b"u"
    return b"cmodels\nNet\n)\x81}(" + attributes + b"ub"


system = call("os", "system", text("touch /tmp/mnas-was-here"))
checkpoint("opaque_weight", state([("stem.conv.weight", system)]))
checkpoint("opaque_everything", state([(f"t{i}", system) for i in range(400)]))
checkpoint("opaque_called", b"\x80\x02" + system + b"".join([b"(tR"] * 20000) + b".")
checkpoint("opaque_items", b"\x80\x02" + system + b"(" + (text("a") + b"N") * 10000 + b"u.")
checkpoint("opaque_state_of_itself", b"\x80\x02cos\nPathLike\n)\x81q\0}" + text("state_dict") + b"h\0sb.")
checkpoint("opaque_storage", state([("a", tensor([4], [1]).replace(b"ctorch\nFloatStorage\n", b"cos\nsystem\n"))]))
checkpoint("opaque_sizes", state([("a", tensor([4], [1]).replace(b"t(J\1\0\0\0t", b"t" + system))]))
checkpoint("new_object_with_keywords", b"\x80\x04cos\nsystem\n)}\x92.")
checkpoint("object_of_old", b"\x80\x02(cos\nsystem\n" + text("id") + b"o.")
checkpoint("sets", b"\x80\x04" + b"\x8f(" + b"K\0" * 20000 + b"\x90.")
checkpoint("module_of_itself", b"\x80\x02cmodels\nNet\n)\x81q\0}(" + text("_parameters") + b"}" + text("_modules") + b"}" + text("a") + b"h\0sub.")
doubled = module(b"")
for _ in range(200):
    doubled = doubled + b"q\1" + module(text("a") + b"h\1" + text("b") + b"h\1")
checkpoint("modules_doubled", b"\x80\x02" + doubled + b".")
deep = module(b"", text("w") + tensor([4], [1]))
for _ in range(60):
    deep = module(text("n" * 3000) + deep)
checkpoint("modules_with_endless_names", b"\x80\x02" + deep + b".")
checkpoint("modules_of_what_is_none", b"\x80\x02" + module(text("a") + system + text("b") + b"K\1" + text("c") + b"N", text("w") + system) + b".")
dicts = b"}"
for _ in range(200):
    dicts = dicts + b"q\1}(" + text("a") + b"h\1" + text("b") + b"h\1u"
checkpoint("dicts_doubled", b"\x80\x02" + dicts + b".")
checkpoint("many_state_dicts", b"\x80\x02}(" + b"".join(text(f"d{i}") + b"}" + text("w") + tensor([4], [1]) + b"s" for i in range(800)) + b"u.")
prefixes = [(".".join("ab"[(i >> bit) & 1] for bit in range(12)) + f".t{i}", tensor([4], [1])) for i in range(400)]
checkpoint("prefixes_without_end", state(prefixes))
checkpoint("points_without_end", state([("." * 3000 + str(i), tensor([1], [1])) for i in range(8)]))

# The tiny network's weights, with what must not be carried out beside them: it is read, and nothing is.
TINY = {"stem.conv": (4, 3, 3, 3), "blocks.0.0.depthwise": (4, 1, 3, 3), "blocks.0.0.project": (4, 4, 1, 1),
        "blocks.1.0.expand": (8, 4, 1, 1), "blocks.1.0.depthwise": (8, 1, 3, 3), "blocks.1.0.project": (4, 8, 1, 1),
        "head.conv": (5, 4, 1, 1)}  # fmt: skip
VECTORS = {"blocks.1.0.se.reduce": (2, 8, 1, 1), "blocks.1.0.se.expand": (8, 2, 1, 1), "classifier": (3, 5)}
shapes = {}
for name, shape in TINY.items():
    shapes[f"{name}.weight"] = shape
    shapes |= {f"{name}.bn.{leaf}": shape[:1] for leaf in ["weight", "bias", "running_mean", "running_var"]}
for name, shape in VECTORS.items():
    shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def contiguous(shape):
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return tensor(list(shape), strides, length=108)


good = [(name, contiguous(shape)) for name, shape in shapes.items()]
inner = b"}(" + b"".join(text(name) + value for name, value in good) + b"u"
ones = struct.pack("<f", 0.5) * 108
for name, pickled in {
    "system_beside": b"\x80\x02}(" + text("args") + system + text("state_dict") + inner + b"u.",
    "system_in_the_state_dict": state(good + [("version", system)]),
    "eval_as_a_class": b"\x80\x02}(" + text("args") + b"cbuiltins\neval\n" + text("open('/etc/passwd')") + b"\x85\x81" + text("model") + inner + b"u.",
    "attributes_of_a_call": b"\x80\x02" + system + b"}" + text("state_dict") + inner + b"sb.",
    "items_of_a_call": b"\x80\x02" + system + text("state_dict") + inner + b"s.",
}.items():
    archive(name, [("a/data.pkl", pickled), ("a/data/0", ones)], kind="harmless")
archive("no_pickle", [("a/b", b"x")])
archive("compressed_bomb", [("a/data.pkl", b"\0" * 20_000_000)], zipfile.ZIP_DEFLATED)
archive("bomb_beside", [("a/data.pkl", b"\x80\x02}."), ("a/data/0", b"\0" * 20_000_000)], zipfile.ZIP_DEFLATED)
archive("many_entries", [(f"a/data/{i}", b"") for i in range(800)])
archive("paths_outside", [("../../../tmp/data.pkl", state([("a", tensor([4], [1]))])), ("../../../tmp/data/0", b"\0" * 16)])
archive("comment", [("a/data.pkl", b"\x80\x02}.")], edit=lambda data: data[:-2] + struct.pack("<H", 65535) + b"PK\x05\x06" * 16383)
archive("count_absurd", [("a/data.pkl", b"\x80\x02}.")], edit=lambda data: data[:-14] + b"\xff\xff\xff\xff" + data[-10:])
archive("directory_beyond", [("a/data.pkl", b"\x80\x02}.")], edit=lambda data: data[:-6] + b"\xf0\xff\xff\xff\0\0")
archive("size_absurd", [("a/data.pkl", b"\x80\x02}.")], edit=lambda data: data.replace(struct.pack("<II", 4, 4), b"\xff" * 8))
archive("checksum_wrong", [("a/data.pkl", b"\x80\x02}.")], edit=lambda data: data.replace(b"\x80\x02}.", b"\x80\x02].", 1))


def overlapping(data):
    """Every entry of the directory points to the first file."""
    end = data.rfind(b"PK\x05\x06")
    count, size, at = struct.unpack("<HII", data[end + 10 : end + 20])
    first = data[at : data.find(b"PK\x01\x02", at + 4)]
    many = first * 400
    return data[:at] + many + data[end : end + 8] + struct.pack("<HHII", 400, 400, len(many), at) + b"\0\0"


archive("overlapping", [("a/data/0", b"\0" * 50000), ("a/data.pkl", b"\x80\x02}.")], edit=overlapping)
put("pth-zip/refused/nothing_but_the_mark.pth", b"PK\x03\x04")
put("pth-zip/refused/empty_archive_after_mark.pth", b"PK\x03\x04" + b"PK\x05\x06" + b"\0" * 18)
legacy = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s."
one = state([("a", tensor([4], [1]))])
for name, keys, data in [
    ("storage_absurd", b"\x80\x02]X\x01\0\0\x000a.", struct.pack("<Q", 2**62) + b"\0" * 16),
    ("storage_wraps", b"\x80\x02]X\x01\0\0\x000a.", struct.pack("<Q", 2**64 - 1) + b"\0" * 16),
    ("storage_missing", b"\x80\x02].", b""),
    ("storage_twice", b"\x80\x02](X\x01\0\0\x000X\x01\0\0\x000e.", struct.pack("<Q", 1) + b"\0" * 4),
    ("keys_are_numbers", b"\x80\x02](K\0K\1e.", b""),
    ("keys_of_a_path", b"\x80\x02]X\x0b\0\0\0/etc/passwda.", struct.pack("<Q", 4) + b"\0" * 16),
    ("no_keys", b"", b""),
]:
    put(f"pth-legacy/refused/{name}.pth", legacy + one + keys + data)
put("pth-legacy/refused/big_endian.pth", legacy.replace(b"\x88s.", b"\x89s.") + one)
put("pth-legacy/refused/nested.pth", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02" + b")" + b"\x85" * 100000 + b".")
put("pth-legacy/refused/protocol.pth", b"\x80\x05\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\xff")


# Arrays.
def npy(name, header, data=b"", version=1, length=None, folder="refused"):
    header = header.encode("latin1")
    length = len(header) if length is None else length
    put(f"npy/{folder}/{name}.npy", b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", length) + header + data)


def described(shape, kind="'<f4'", order="False"):
    return "{'descr': " + kind + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n"


npy("shape_overflows", described("(4294967296, 4294967296)"), b"\0" * 16)
npy("shape_overflows_in_bytes", described("(4611686018427387904,)"), b"\0" * 16)
npy("shape_of_everything", described("(18446744073709551615,)"), b"\0" * 16)
npy("shape_beyond_words", described("(" + "9" * 5000 + ",)"), b"\0" * 16)
npy("shape_absurd", described("(1000000, 1000000)"), b"\0" * 16)
npy("shape_negative", described("(-1,)"), b"\0" * 16)
npy("shape_long", described("(" + "1, " * 9000 + ")"), b"\0" * 16)
npy("shape_nested", described("((" * 5000), b"\0" * 16)
npy("objects", described("(1,)", "'|O'"), executed("os", "system", "id"))
npy("records", described("(1,)", "[('a', '<f4')]"), b"\0" * 4)
npy("subarrays", described("(1,)", "('<f4', (1000000000,))"), b"\0" * 4)
npy("strings", described("(1,)", "'<U99999999999'"), b"\0" * 4)
npy("big_endian", described("(1,)", "'>f4'"), b"\0" * 4)
npy("code", "__import__('os').system('id')\n", b"")
npy("code_in_shape", described("(__import__('os').system('id'),)"), b"")
npy("header_absurd", described("(1,)"), version=2, length=2**32 - 1)
npy("header_long", described("(1,)") + " " * 70000, version=2)
npy("header_no_text", "{'descr': '<f4', \xff\xfe", b"")
npy("no_header", "", length=0)
npy("version", described("(1,)"), b"\0" * 4, version=9)
npy("trailing_data", described("(1,)"), b"\0" * 4000)
npy("truncated", described("(1000,)"), b"\0" * 4)
npy("empty", described("(0, 18446744073709551615, 18446744073709551615)"), folder="harmless")


# Pictures.
def chunk(kind, data, length=None):
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth=8, colour=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def zeros(count):
    """Deflated zeros, at the most that deflate can do."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b"\0" * min(1 << 20, count - at)) for at in range(0, count, 1 << 20)) + packer.flush()


def png(name, *chunks, folder="refused"):
    put(f"png/{folder}/{name}.png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


end = chunk(b"IEND", b"")
little = chunk(b"IDAT", zlib.compress(b"\0" * 10))
pixel = chunk(b"IDAT", zlib.compress(b"\0" * 4))
png("dimensions_absurd", header(2**31 - 1, 2**31 - 1), little, end)
png("dimensions_beyond", header(2**32 - 1, 2**32 - 1), little, end)
png("dimensions_deep", header(65535, 65535, 16, 6), little, end)
png("dimensions_interlaced", header(60000, 60000, 16, 6, 1), little, end)
png("dimensions_zero", header(0, 0), little, end)
png("bomb", header(9000, 9000, 8, 2), chunk(b"IDAT", zeros(60 << 20)), end)
png("bomb_of_bits", header(60000, 60000, 1, 0), chunk(b"IDAT", zeros(30 << 20)), end)
png("bomb_16_bits", header(4000, 4000, 16, 6), chunk(b"IDAT", zeros(30 << 20)), end)
png("long_row", header(2**31 - 1, 1), little, end)
png("long_column", header(1, 2**31 - 1, 1, 0), little, end)
png("length_absurd", header(8, 8), chunk(b"IDAT", b"", 2**31 - 1))
png("length_beyond", header(8, 8), chunk(b"IDAT", b"", 2**32 - 1))
png("text_length_absurd", chunk(b"tEXt", b"", 2**31 - 1), header(8, 8))
png("no_header", little, end)
png("palette_missing", header(1, 1, 8, 3), pixel, end)
png("palette_too_long", header(1, 1, 8, 3), chunk(b"PLTE", b"\0" * 3000), pixel, end)
png("colour_unknown", header(1, 1, 8, 99), pixel, end)
png("depth_unknown", header(1, 1, 99, 2), pixel, end)
png("nothing")
png("no_end_of_data", header(4000, 2500), chunk(b"IDAT", zeros(30 << 20)[:-100]))
png("frames_absurd", header(8, 8), chunk(b"acTL", b"\xff" * 8), chunk(b"fcTL", b"\xff" * 26), little, end)
png("more_than_the_picture", header(1, 1), chunk(b"IDAT", zeros(60 << 20)), end, folder="harmless")
png("as_large_as_may_be", header(6900, 6900, 8, 0), chunk(b"IDAT", zeros(6901 * 6900)), end, folder="harmless")
png("as_large_as_may_be_in_colour", header(4000, 4100, 8, 2), chunk(b"IDAT", zeros(12001 * 4100)), end, folder="harmless")
turned = chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0")
png("as_large_as_may_be_and_turned", header(4000, 4100, 8, 2), turned, chunk(b"IDAT", zeros(12001 * 4100)), end, folder="harmless")
png("long_and_thin", header(600000, 3, 8, 0), chunk(b"IDAT", zeros(600001 * 3)), end, folder="harmless")
png("text_bomb", header(1, 1), chunk(b"zTXt", b"a\0\0" + zeros(60 << 20)), pixel, end, folder="harmless")
png("profile_bomb", header(1, 1), chunk(b"iCCP", b"a\0\0" + zeros(60 << 20)), pixel, end, folder="harmless")
png("international_bomb", header(1, 1), chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(60 << 20)), pixel, end, folder="harmless")
png("many_chunks", header(1, 1), chunk(b"tEXt", b"a\0b") * 4000, pixel, end, folder="harmless")
png("many_empty_data", header(1, 1), chunk(b"IDAT", b"") * 4000, pixel, end, folder="harmless")
directory = b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + b"\x12\x01\x03\0\xff\xff\xff\xff\x06\0\0\0" * 10 + b"\x08\0\0\0"
png("orientation_that_turns_in_circles", header(1, 1), chunk(b"eXIf", directory), pixel, end, folder="harmless")

baseline = (here.parent / "seeds/baseline.jpg").read_bytes()
progressive = (here.parent / "seeds/progressive.jpg").read_bytes()


def jpeg(name, data, folder="refused"):
    put(f"jpeg/{folder}/{name}.jpg", data)


def resized(data, mark, width, height):
    at = data.index(mark) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


jpeg("dimensions_absurd", resized(baseline, b"\xff\xc0", 65535, 65535))
jpeg("dimensions_absurd_progressive", resized(progressive, b"\xff\xc2", 65535, 65535))
jpeg("dimensions_large_progressive", resized(progressive, b"\xff\xc2", 4000, 4000), folder="harmless")
jpeg("dimensions_large", resized(baseline, b"\xff\xc0", 4000, 4000), folder="harmless")
jpeg("dimensions_zero", resized(baseline, b"\xff\xc0", 0, 0))
jpeg("long_row", resized(baseline, b"\xff\xc0", 65535, 1), folder="harmless")
scans = progressive[progressive.index(b"\xff\xda") : -2]
jpeg("many_scans", progressive[:-2] + scans * 100 + b"\xff\xd9", folder="harmless")
jpeg("many_scans_of_a_large_picture", resized(progressive, b"\xff\xc2", 3000, 3000)[:-2] + scans * 30 + b"\xff\xd9", folder="harmless")
jpeg("many_comments", baseline[:2] + b"\xff\xfe\0\x02" * 10000 + baseline[2:], folder="harmless")
jpeg("many_fills", baseline[:2] + b"\xff" * 40000 + baseline[2:], folder="harmless")
jpeg("no_picture", b"\xff\xd8\xff\xd9")
jpeg("only_marks", b"\xff\xd8" + b"\xff\xd8" * 10000)
jpeg("segment_beyond", b"\xff\xd8\xff\xe1\xff\xff")
jpeg("segment_of_nothing", b"\xff\xd8\xff\xe1\0\0" * 1000)
jpeg("components", baseline.replace(b"\x03\x01\x22\0", b"\xff\x01\x22\0", 1))
jpeg("sampling", baseline.replace(b"\x03\x01\x22\0", b"\x03\x01\xff\0", 1))
jpeg("sampling_zero", baseline.replace(b"\x03\x01\x22\0", b"\x03\x01\0\0", 1))
jpeg("huffman_full", baseline.replace(b"\xff\xc4\0", b"\xff\xc4\xff", 1))
jpeg("lossless", baseline.replace(b"\xff\xc0", b"\xff\xc3", 1))
jpeg("arithmetic", baseline.replace(b"\xff\xc0", b"\xff\xc9", 1))
jpeg("hierarchical", baseline.replace(b"\xff\xc0", b"\xff\xc5", 1))
jpeg("profile_parts", baseline[:2] + b"\xff\xe2\0\x12ICC_PROFILE\0\x01\xff\0\0" * 5000 + baseline[2:], folder="harmless")
exif = b"Exif\0\0" + directory
jpeg("orientation_that_turns_in_circles", baseline[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + baseline[2:], folder="harmless")
jpeg("gif", b"GIF89a\xff\xff\xff\xff\0\0\0")
jpeg("svg", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>")


# ONNX: protocol buffers.
def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def info(name, dims):
    shape = b"".join(field(1, field(1, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(op, inputs, outputs, *attributes):
    return field(1, b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(4, op) + b"".join(field(5, a) for a in attributes))


def constant(name, dims, data=b"", kind=1):
    return field(5, b"".join(field(1, dim) for dim in dims) + field(2, kind) + field(8, name) + field(9, data))


def outside(location, offset="0", length="4"):
    entries = [("location", location), ("offset", offset), ("length", length)]
    entries = b"".join(field(13, field(1, key) + field(2, value)) for key, value in entries)
    return field(5, field(1, 1) + field(2, 1) + field(8, "w") + field(14, 1) + entries)


def onnx(name, *parts, dims=(1, 3, 8, 8), opset=17):
    graph = b"".join(parts) + field(11, info("x", dims)) + field(12, info("y", [1, 3]))
    put(f"onnx/refused/{name}.onnx", field(1, 8) + field(7, graph) + field(8, field(2, opset)))


relu = node("Relu", ["x"], ["y"])
for name, location in {
    "up": "../../../../etc/passwd",
    "absolute": "/etc/passwd",
    "up_inside": "a/../../b",
    "windows": "C:\\Windows\\win.ini",
    "windows_up": "..\\..\\secret",
    "share": "\\\\server\\share",
    "device": "/dev/zero",
    "nul": "a\0b",
    "empty": "",
    "here": ".",
    "url": "file:///etc/passwd",
    "process": "/proc/self/environ",
}.items():
    onnx(f"outside_{name}", relu, outside(location))
onnx("outside_offset", relu, outside("w.bin", offset=str(2**64 - 1)))
onnx("outside_length", relu, outside("w.bin", length=str(2**63)))
onnx("outside_negative", relu, outside("w.bin", offset="-1"))
onnx("dims_overflow", relu, constant("w", [2**32, 2**32], b"\0" * 16))
onnx("dims_negative", relu, constant("w", [-1, 4], b"\0" * 16))
onnx("dims_absurd", node("Conv", ["x", "w"], ["y"]), constant("w", [2**20, 2**20, 1, 1], b"\0" * 16))
onnx("dims_many", relu, constant("w", [1] * 20000, b"\0" * 4))
onnx("input_absurd", relu, dims=(1, 3, 2**62, 2**62))
onnx("input_negative", relu, dims=(1, 3, -1, -1))
onnx("cycle", node("Relu", ["z"], ["y"]), node("Relu", ["y"], ["z"]))
onnx("cycle_of_one", node("Relu", ["y"], ["y"]))
onnx("duplicate_names", relu, relu, constant("w", [1], b"\0" * 4), constant("w", [1], b"\0" * 4))
onnx("many_nodes", *[node("Relu", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(5000)], node("Relu", ["v5000"], ["y"]))
onnx("many_inputs", node("Concat", ["x"] * 20000, ["y"]))
onnx("wide", *[node("Add", [f"v{i}" if i else "x"] * 2, [f"v{i + 1}"]) for i in range(200)], node("Relu", ["v200"], ["y"]))
onnx("operator_name", node("Relu\x1b[2J\u202e" * 200, ["x"], ["y"]))
onnx("opset", relu, opset=2**63 - 1)
body = b""
for _ in range(3000):
    body = field(1, field(4, "If") + field(5, field(1, "then_branch") + field(6, body)))
put("onnx/refused/nested_graphs.onnx", field(1, 8) + field(7, body) + field(8, field(2, 17)))
nested = b""
for _ in range(8000):
    nested = field(4, nested)
put("onnx/refused/nested_types.onnx", field(1, 8) + field(7, field(11, field(1, "x") + field(2, nested))) + field(8, field(2, 17)))
functions = b"".join(field(25, field(1, f"f{i}") + field(7, field(4, f"f{(i + 1) % 50}"))) for i in range(50))
put("onnx/refused/functions_in_a_circle.onnx", field(1, 8) + field(7, node("f0", ["x"], ["y"])) + field(8, field(2, 17)) + functions)
put("onnx/refused/length_absurd.onnx", field(1, 8) + b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
put("onnx/refused/varint_without_end.onnx", b"\x08" + b"\x80" * 50000)
put("onnx/refused/groups.onnx", field(1, 8) + b"\x3b" * 50000)
put("onnx/refused/nothing.onnx", b"")


# TensorFlow's checkpoints: tables of LevelDB, and a shard after a mark.
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1))
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def block(entries, restarts=1):
    return b"".join(varint(s) + varint(len(k)) + varint(len(v)) + k + v for s, k, v in entries) + b"\0\0\0\0" * restarts + struct.pack("<I", restarts)


def stored(data, kind=b"\0"):
    return data + kind + crc32c(data + kind)


def index(name, entries, shard=b"\0" * 16, kind=b"\0", handles=None, footer=None):
    data = entries if isinstance(entries, bytes) else block(entries)
    out = stored(data, kind)
    listed = handles or [(0, len(data))]
    top = block([(0, f"{i:08}".encode(), varint(a) + varint(b)) for i, (a, b) in enumerate(listed)])
    at = len(out)
    out += stored(top)
    ends = varint(0) + varint(0) + varint(at) + varint(len(top)) if footer is None else footer
    out += ends.ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
    put(f"tf-checkpoint/refused/{name}.index", out + b"\n== shard ==\n" + shard)


def variable(dims, offset=0, size=4, shard=0, kind=1):
    shape = b"".join(field(2, field(1, dim)) for dim in dims)
    return field(1, kind) + field(2, shape) + field(3, shard) + field(4, offset) + field(5, size) + b"\x35\0\0\0\0"


top = (0, b"", field(1, 1))
index("dims_overflow", [top, (0, b"w", variable([2**32, 2**32]))])
index("dims_negative", [top, (0, b"w", variable([-1]))])
index("dims_many", [top, (0, b"w", variable([1] * 10000))])
index("dims_absurd", [top, (0, b"w", variable([2**40], size=2**42))])
index("offset_wraps", [top, (0, b"w", variable([1], offset=2**64 - 2))])
index("size_wraps", [top, (0, b"w", variable([1], size=2**64 - 1))])
index("beyond_the_shard", [top, (0, b"w", variable([1000], size=4000))])
index("checksum_wrong", [top, (0, b"w", variable([1]))])
index("shard_absurd", [top, (0, b"w", variable([1], shard=2**31 - 1))])
index("shard_negative", [top, (0, b"w", variable([1], shard=-1))])
index("shards_absurd", [(0, b"", field(1, 2**31 - 1)), (0, b"w", variable([1]))])
index("shards_negative", [(0, b"", field(1, -1)), (0, b"w", variable([1]))])
index("duplicate_names", [top, (0, b"w", variable([1])), (0, b"w", variable([1]))])
index("names_out_of_order", [top, (0, b"w", variable([1])), (0, b"a", variable([1]))])
index("names_that_grow", [top] + [(i, b"a", b"") for i in range(20000)])
index("shared_absurd", [top, (2**62, b"w", b"")])
index("key_absurd", varint(0) + varint(2**62) + varint(1) + b"abc" + b"\0" * 8)
index("value_absurd", varint(0) + varint(1) + varint(2**63) + b"abc" + b"\0" * 8)
index("restarts_absurd", b"\0\0\0\0\xff\xff\xff\xff")
index("compressed", b"\xff\xff\xff\xff\x0f\0", kind=b"\x01")
index("compression_unknown", block([top]), kind=b"\xff")
index("blocks_again", [top], handles=[(0, len(block([top])))] * 5000)
index("block_beyond", [top], handles=[(2**62, 2**62)])
index("block_wraps", [top], handles=[(2**64 - 1, 2)])
index("footer_beyond", [top], footer=varint(0) + varint(0) + varint(2**63) + varint(2**63))
index("footer_without_end", [top], footer=b"\xff" * 40)
index("no_top", [(0, b"w", variable([1]))])
index("nothing", b"")
put("tf-checkpoint/refused/only_the_mark.index", b"\x57\xfb\x80\x8b\x24\x75\x47\xdb")


# Data sets: MNIST's kind.
def gzip(data, name=b"", flags=None, extra=b"", crc=None, length=None):
    """As gzip writes it, or almost."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = data if isinstance(data, list) else [packer.compress(data), packer.flush()]
    plain = b"" if isinstance(data, list) else data
    flags = (8 if name else 0) | (4 if extra else 0) if flags is None else flags
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + (struct.pack("<H", len(extra)) + extra if extra else b"")
    ends = struct.pack("<II", zlib.crc32(plain) if crc is None else crc, len(plain) % 2**32 if length is None else length)
    return head + (name + b"\0" if name else b"") + b"".join(packed) + ends


def idx(name, *numbers, data=b"", pack=lambda data: data, kind="refused"):
    put(f"idx/{kind}/{name}.idx", pack(struct.pack(f">{len(numbers)}I", *numbers) + data))


pictures = (0x803, 3, 4, 5)
pixels = bytes(range(60))
labels = (0x801, 3)
bomb = b"\0" * (140 << 20)
idx("bomb_of_pictures", 0x803, 140 << 20, 1, 1, data=bomb, pack=gzip)
idx("bomb_of_labels", 0x801, 140 << 20, data=bomb, pack=gzip)
idx("bomb_behind_pictures", *pictures, data=pixels + bomb, pack=gzip)
idx("bomb_packed_twice", *pictures, data=pixels + bomb * 8, pack=lambda data: gzip(gzip(data)))
idx("count_absurd", 0x803, 2**32 - 1, 4, 5, data=pixels)
idx("count_wraps", 0x803, 2**32 - 1, 4096, 4096, data=pixels)
idx("count_of_a_product_that_wraps_32_bits", 0x803, 2**26 + 3, 4, 16, data=pixels)
idx("count_that_is_allowed", 0x803, 2**31 // 20, 4, 5, data=pixels)
idx("count_zero", 0x803, 0, 4, 5)
idx("rows_zero", 0x803, 3, 0, 5)
idx("columns_zero", 0x803, 3, 4, 0)
idx("rows_absurd", 0x803, 3, 2**31, 2, data=pixels)
idx("labels_absurd", 0x801, 2**32 - 1, data=b"\0\1\2")
idx("labels_that_are_allowed", 0x801, 2**31, data=b"\0\1\2")
idx("labels_one_more", 0x801, 4, data=b"\0\1\2\0")
idx("labels_missing", *labels, data=b"\0\1")
idx("floats", 0xD03, 3, 4, 5, data=pixels * 4)
idx("dimensions_255", 0x8FF, *([1] * 255), data=b"\0")
idx("dimensions_0", 0x800)
idx("other_byte_order", *struct.unpack("<4I", struct.pack(">4I", *pictures)), data=pixels)
idx("trailing_data", *pictures, data=pixels + b"\0")
idx("truncated", *pictures, data=pixels[:-1])
idx("truncated_header", 0x803, 3)
idx("half_a_number", data=b"\0\0\x08")
idx("nothing")
idx("packed_nothing", pack=gzip)
idx("packed_truncated", *pictures, data=pixels, pack=lambda data: gzip(data)[:40])
idx("packed_header_alone", *pictures, data=pixels, pack=lambda data: gzip(data)[:10])
idx("packed_half_a_header", *pictures, data=pixels, pack=lambda data: gzip(data)[:3])
idx("packed_checksum", *pictures, data=pixels, pack=lambda data: gzip(data, crc=1))
idx("packed_length", *pictures, data=pixels, pack=lambda data: gzip(data, length=2**32 - 1))
idx("packed_name_without_end", *pictures, data=pixels, pack=lambda data: gzip(data, flags=8)[:10] + b"a" * 90000)
idx("packed_comment_without_end", *pictures, data=pixels, pack=lambda data: gzip(data, flags=16)[:10] + b"a" * 90000)
idx("packed_extra_beyond", *pictures, data=pixels, pack=lambda data: gzip(data, flags=4)[:10] + b"\xff\xff" + b"a" * 9)
idx("packed_flags", *pictures, data=pixels, pack=lambda data: gzip(data, flags=0xFF))
idx("packed_other_method", *pictures, data=pixels, pack=lambda data: b"\x1f\x8b\x09" + gzip(data)[3:])
idx("packed_from_before_the_start", pack=lambda _: gzip([b"\x03\x02\x00\x01\x02"]))
idx("packed_block_unknown", pack=lambda _: gzip([b"\x07\xff\xff"]))
idx("packed_stored_lengths", pack=lambda _: gzip([b"\x01\x10\x00\x00\x00" + b"a" * 16]))
idx("packed_empty_blocks", pack=lambda _: gzip([b"\0\0\0\xff\xff" * 20000]))
idx("named_elsewhere", *pictures, data=pixels, pack=lambda data: gzip(data, name=b"../../../../etc/passwd"), kind="harmless")
idx("named_to_clear_screens", *pictures, data=pixels, pack=lambda data: gzip(data, name=b"\x1b[2J"), kind="harmless")
idx("extra_field", *pictures, data=pixels, pack=lambda data: gzip(data, extra=b"AB\xff\xff" * 5000), kind="harmless")
idx("another_behind_it", *pictures, data=pixels, pack=lambda data: gzip(data) + gzip(bomb[: 1 << 20]), kind="harmless")
idx("classes_255", *labels, data=b"\xff\x00\xfe", kind="harmless")


# CIFAR.
def cifar(name, data, kind="refused"):
    put(f"cifar/{kind}/{name}.bin", data)


picture = bytes(at % 10 for at in range(3072))
cifar("nothing", b"")
cifar("labels_alone", b"\x01")
cifar("label_10", b"\x0a" + picture)
cifar("label_255", b"\xff" + picture)
cifar("label_100", b"\x01\x64" + picture)
cifar("second_label_255", b"\x01\x63" + picture + b"\x01\xff" + picture)
cifar("last_byte_missing", b"\x01" + picture[:-1])
cifar("one_byte_more", b"\x01" + picture + b"\x01\x01\x01")
cifar("header_alone", (b"\x01" + picture)[:100])
cifar("packed", gzip(b"\x01" + picture))
cifar("packed_bomb", gzip(bomb[: 32 << 20]))
cifar("python_version", pickle.dumps({b"data": picture, b"labels": [1]}, 2))
cifar("python_version_that_calls", executed("os", "system", "touch /tmp/mnas-was-here"))
cifar("names_long", b"a" * 70000 + b"\n" * 9)
cifar("names_many", b"a\n" * 30000)
cifar("names_9", b"a\n" * 9)
cifar("names_blank", b" \n" * 10)
cifar("names_that_clear_screens", "\x1b[2J\u202e\n".encode() * 10, "harmless")
cifar("names_no_text", b"\xff\xfe\n" * 100, "harmless")
cifar("first_label_255", b"\xff\x00" + picture, "harmless")


# Recipes of trainings.
def recipe(name, text, kind="refused"):
    put(f"recipe/{kind}/{name}.json", text if isinstance(text, (str, bytes)) else json.dumps(text))


recipe("nested", '{"optimizer":' * 20000)
recipe("nested_lists", "[" * 60000)
recipe("nested_in_a_value", '{"epochs":' + "[" * 30000 + "]" * 30000 + "}")
recipe("epochs_absurd", {"epochs": 2**32 - 1})
recipe("epochs_negative", {"epochs": -1})
recipe("epochs_fraction", '{"epochs": 1.5}')
recipe("batch_absurd", {"batch": 2**63})
recipe("batch_zero", {"batch": 0})
recipe("shift_absurd", {"shift": 2**62})
recipe("rate_infinite", '{"learning_rate": 1e999}')
recipe("rate_no_number", '{"learning_rate": NaN}')
recipe("rate_zero", {"learning_rate": 0})
recipe("rate_negative", {"learning_rate": -1e-3})
recipe("warm_up_infinite", '{"warm_up": Infinity}')
recipe("factor_absurd", {"schedule": {"name": "exponential", "factor": 1e300, "every": 1e-300}})
recipe("every_zero", {"schedule": {"name": "exponential", "factor": 0.9, "every": 0}})
recipe("momentum_one", {"optimizer": {"name": "sgd", "momentum": 1}})
recipe("epsilon_zero", {"optimizer": {"name": "rmsprop", "epsilon": 0, "decay": 0}})
recipe("long_number", '{"epochs": ' + "9" * 60000 + "}")
recipe("long_fraction", '{"learning_rate": 0.' + "0" * 60000 + "}")
recipe("long_key", '{"' + "k" * 60000 + '": 1}')
recipe("key_that_clears_screens", '{"\\u001b[2J\\u202e": 1}')
recipe("name_that_clears_screens", {"optimizer": {"name": "\x1b[2J"}})
recipe("duplicate_keys", '{"epochs": 1, "epochs": 2}')
recipe("two", "{}{}")
recipe("no_object", "null")
recipe("half_a_letter", b'{"epochs\xc3": 1}')
recipe("surrogate", '{"\\ud800": 1}')
recipe("spaces", " " * 60000 + "{}", "harmless")
recipe("smallest_number", '{"weight_decay": 4.9e-324}', "harmless")


# TensorFlow Lite. A table is a dictionary of its fields by number: a whole number, bytes of a list with their count, a table,
# or a list of tables.
def flat(table, out):
    start, count = len(out), max(table, default=-1) + 1
    places = {number: 4 + 4 * place for place, number in enumerate(table)}
    out += struct.pack("<HH", 4 + 2 * count, 4 + 4 * len(table))
    out += b"".join(struct.pack("<H", places.get(number, 0)) for number in range(count))
    at = len(out)
    out += struct.pack("<i", at - start) + bytes(4 * len(table))
    for number, value in table.items():
        field = at + places[number]
        out[field : field + 4] = struct.pack("<I", value if isinstance(value, int) else follow(value, out) - field)
    return at


def follow(value, out):
    if isinstance(value, dict):
        return flat(value, out)
    start = len(out)
    if isinstance(value, tuple):
        out += struct.pack("<I", value[0]) + value[1]
        return start
    # The same table twice in a list is written once.
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    known = {}
    for place, table in enumerate(value):
        field = start + 4 + 4 * place
        known[id(table)] = known.get(id(table)) or flat(table, out)
        out[field : field + 4] = struct.pack("<I", known[id(table)] - field)
    return start


def words(*values):
    return (len(values), struct.pack(f"<{len(values)}i", *values))


def tflite(name, root, edit=lambda data: data):
    out = bytearray(b"\0\0\0\0TFL3")
    out[:4] = struct.pack("<I", flat(root, out))
    put(f"tflite/refused/{name}.tflite", bytes(edit(out)))


def parts(tensors, operators, codes=({3: 3},), buffers=({},), inputs=words(0), outputs=words(1)):
    graph = {0: list(tensors), 1: inputs, 2: outputs, 3: list(operators)}
    return {0: 3, 1: list(codes), 2: [graph], 4: list(buffers)}


picture, made = {0: words(1, 8, 8, 3)}, {0: words(1, 8, 8, 4)}
weight = {0: words(4, 3, 3, 3), 1: 9, 2: 1, 4: {2: (1, struct.pack("<f", 1)), 3: (1, bytes(8))}}
reads = {0: 0, 1: words(0, 2), 2: words(1), 4: {1: 1, 2: 1}}
data = {0: (108, bytes(108))}
good_parts = dict(tensors=[picture, made, weight], operators=[reads], buffers=[{}, data])
most, least = 2**31 - 1, -(2**31)


def changed(name, **change):
    tflite(name, parts(**{**good_parts, **change}))


tflite("root_beyond", {}, lambda data: b"\xff\xff\xff\xff" + data[4:])
tflite("root_of_itself", {}, lambda data: bytes(4) + data[4:])
tflite("fields_before_the_start", {}, lambda data: data[:-4] + struct.pack("<i", most))
tflite("fields_beyond", {}, lambda data: data[:-4] + struct.pack("<i", least))
tflite("no_subgraphs", {0: 3})
tflite("half_a_file", parts(**good_parts), lambda data: data[: len(data) // 2])
changed("list_of_everything", inputs=(2**32 - 1, bytes(8)))
changed("list_that_wraps", tensors=[{0: (2**30, bytes(4))}, made, weight])
changed("same_tensor_often", tensors=[picture] * 20000)
changed("same_operator_often", operators=[reads] * 20000)
changed("operator_reads_itself", operators=[{0: 0, 1: words(1, 2), 2: words(1), 4: {1: 1, 2: 1}}])
changed("tensors_that_do_not_exist", operators=[{0: 0, 1: words(most, least), 2: words(most)}])
changed("codes_that_do_not_exist", operators=[{**reads, 0: most}])
changed("output_of_nothing", outputs=words(least))
changed("sizes_of_everything", tensors=[{0: words(1, most, most, most)}, made, weight])
changed("weight_of_everything", tensors=[picture, made, {**weight, 0: words(most, 3, 3, 3)}])
changed("weight_of_less", buffers=[{}, {0: (107, bytes(107))}])
changed("dimensions_without_end", tensors=[picture, made, {**weight, 0: words(*[1] * 20000)}])
changed("negative_dimensions", tensors=[picture, made, {**weight, 0: words(-4, -3, 3, 3)}])
changed("strides_absurd", operators=[{**reads, 4: {1: most, 2: most}}])
changed("dilations_absurd", operators=[{**reads, 4: {1: 1, 2: 1, 4: most, 5: most}}])
changed("scales_without_end", tensors=[picture, made, {**weight, 4: {2: (9999, bytes(4 * 9999))}}])
changed("axis_beyond", tensors=[picture, made, {**weight, 4: {2: (4, bytes(16)), 3: (4, bytes(32)), 6: most}}])
changed("name_that_clears_screens", tensors=[picture, {**made, 3: (8, b"\x1b[2J\xe2\x80\xae")}], operators=[reads])


# Measured schedules.
def schedule(name, text, kind="refused"):
    put(f"schedule/{kind}/{name}.yaml", text)


section = "cpu:\n  avx2:\n"
shape = "    block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: "
schedule("mistakes_without_end", "x\n" * 30000)
schedule("long_mistakes", ("    block " + "x" * 1000 + "\n") * 100)
schedule("long_line", section + "    block" + " expand" * 10000)
schedule("long_name", "a" * 90000 + ":\n")
schedule("many_sections", "".join(f"cpu{at}:\n" for at in range(9000)))
schedule("same_section_often", "cpu:\n" * 9000)
schedule("shape_wraps", section + "    linear 18446744073709551616 to 18446744073709551615: {tiles: 1x1/1}\n")
schedule("shape_absurd", section + "    linear 18446744073709551615 to 18446744073709551615: {tiles: 1x99/1}\n")
schedule("row_block_absurd", section + shape + "{row_block: 18446744073709551615}\n")
schedule("row_block_zero", section + shape + "{row_block: 0}\n")
schedule("columns_absurd", section + shape + "{columns: 4294967295}\n")
schedule("tiles_absurd", section + shape + "{expand: 4294967296x4294967296/4294967296}\n")
schedule("tiles_zero", section + shape + "{expand: 0x0/0}\n")
schedule("tiles_many", section + shape + "{expand: " + "1x1/1 " * 10000 + "}\n")
schedule("threads_absurd", section + shape + "{threads: row_blocks 18446744073709551615}\n")
schedule("choices_again", section + shape + "{" + "row_block: 1, " * 9000 + "}\n")
schedule("brackets", section + shape + "{" * 50000)
schedule("letters_that_turn", section + "    block\u202e: {row_block: all}\n")
schedule("letters_that_clear_screens", "\x1b[2J:\n")
schedule("carriage_returns", "\r" * 50000 + "x")
schedule("yaml_anchors", "a: &a [*a]\n")
schedule("half_a_letter", b"cpu:\n  avx2:\n\xc3")
schedule("nothing", "")
schedule("notes_without_end", section + "    # note\n" * 9000 + "    block: {row_block: all}\n", "harmless")
