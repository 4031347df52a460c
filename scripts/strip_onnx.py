"""What mnas-import's tests keep of an exported file: all but the data of large constants, which they make again."""

import onnx

KEPT_VALUES = 64


def strip(path):
    model = onnx.load(path)
    graph = model.graph
    for message in [model, graph, *graph.node]:
        message.ClearField("doc_string")
        message.ClearField("metadata_props")
    graph.ClearField("value_info")
    for tensor in graph.initializer:
        values = 1
        for dim in tensor.dims:
            values *= dim
        if values > KEPT_VALUES and tensor.data_type == onnx.TensorProto.FLOAT:
            for field in ["raw_data", "float_data"]:
                tensor.ClearField(field)
    for value in [*graph.initializer, *graph.input, *graph.output]:
        value.ClearField("doc_string")
    path.write_bytes(model.SerializeToString(deterministic=True))
