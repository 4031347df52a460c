# Options of cargo that all scripts share, so that no crate is compiled twice; to be sourced in the root of the tree.

features="mnas-codegen/build mnas-codegen/onnx mnas-runtime/std mnas-runtime/source mnasc/train"
# Linted and documented without the trainer's backend for GPUs, which needs a hundred crates more.
workspace_without_gpu=(--locked --workspace --features "$features")
# Compiling that backend takes as long as all else, so that it is there at night alone.
has_gpu=
if [ -n "${MNAS_NIGHT:-}" ] && compgen -G '/usr/share/vulkan/icd.d/*.json' > /dev/null; then
    has_gpu=1
    features+=" mnasc/wgpu"
fi
workspace=(--locked --workspace --features "$features")
