"""Runs other engines for `mnasc bench --against`, each in a process of its own.

  peers.py THREADS probe ENGINE...                      versions, and the processors that processes are pinned to
  peers.py THREADS exec PROGRAM ARGUMENT...             becomes that program, pinned
  peers.py THREADS start PROGRAM ARGUMENT...            the same, after an empty line that tells when
  peers.py THREADS time ENGINE MODEL IN OUT RUNS        one result to OUT, then times of warm inferences
  peers.py THREADS first ENGINE MODEL IN OUT            one result to OUT, and how long it took; then waits

MODEL is ONNX with one input; IN and OUT are float32 as they lie in memory. Answers are one JSON object on one line.
Every process pins itself to the last THREADS processors that it may use, where the system can.
"""

import json
import os
import sys
import time
from importlib import metadata

WARM_UP_SECONDS = 0.5


def pin(threads):
    """The processors that this process runs on from here on; None where the system cannot pin."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-threads:]
    os.sched_setaffinity(0, chosen)
    return chosen


def onnxruntime(model, threads):
    """A function from input to output, and the input's shape."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # So exported files call the free size; that it is one, an engine should know when it plans.
    options.add_free_dimension_override_by_name("N", 1)
    ready = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (source,) = ready.get_inputs()
    if not all(isinstance(size, int) for size in source.shape):
        sys.exit(f"onnxruntime has not taken the batch to be 1: {source.shape}")
    return lambda x: ready.run(None, {source.name: x})[0], source.shape


def openvino(model, threads):
    """A function from input to output, and the input's shape."""
    import openvino as ov

    core = ov.Core()
    network = core.read_model(model)
    shape = [1 if size.is_dynamic else size.get_length() for size in network.input(0).get_partial_shape()]
    network.reshape(shape)
    # The hint keeps it from bfloat16 on processors that have it.
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True, share_outputs=True)[0], shape


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino}


def version(engine):
    try:
        return metadata.version(engine)
    except metadata.PackageNotFoundError:
        return None


def answer(**values):
    print(json.dumps(values), flush=True)


def clocked(engine, model, source, result, threads, runs):
    import numpy

    infer, shape = ENGINES[engine](model, threads)
    x = numpy.fromfile(source, numpy.float32).reshape(shape)
    numpy.ascontiguousarray(infer(x), numpy.float32).tofile(result)
    if runs:
        end = time.perf_counter() + WARM_UP_SECONDS
        while time.perf_counter() < end:
            infer(x)
    times = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        infer(x)
        times.append(time.perf_counter_ns() - start)
    answer(times_ns=times)


def first(engine, model, source, result, threads):
    import numpy

    x = numpy.fromfile(source, numpy.float32)
    before = memory()
    start = time.perf_counter_ns()
    __import__(engine)
    imported = time.perf_counter_ns()
    infer, shape = ENGINES[engine](model, threads)
    y = infer(x.reshape(shape))
    end = time.perf_counter_ns()
    numpy.ascontiguousarray(y, numpy.float32).tofile(result)
    answer(from_import_ns=end - start, from_load_ns=end - imported, memory_before=before)
    # Until mnasc has seen how much memory this took.
    sys.stdin.read()


def memory():
    """The most bytes of memory that this process has had so far; None where the system does not say."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def main():
    threads, mode, *rest = sys.argv[1:]
    threads = int(threads)
    processors = pin(threads)
    if mode == "probe":
        answer(
            python=sys.version.split()[0],
            processors=processors,
            numpy=version("numpy"),
            versions={engine: version(engine) for engine in rest},
        )
    elif mode in ("exec", "start"):
        if mode == "start":
            print(flush=True)
        os.execv(rest[0], rest)
    elif mode == "time":
        engine, model, source, result, runs = rest
        clocked(engine, model, source, result, threads, int(runs))
    elif mode == "first":
        engine, model, source, result = rest
        first(engine, model, source, result, threads)
    else:
        sys.exit(f"no such mode: {mode}")


if __name__ == "__main__":
    main()
