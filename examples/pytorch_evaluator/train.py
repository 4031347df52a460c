"""Says how accurate a network of a search is: a job as JSON on standard input, the result as JSON on standard output.

    mnasc search specs/spaces/digits.yaml --study digits.study --command "python3 examples/pytorch_evaluator/train.py"
"""

import argparse
import json
import pathlib
import sys

import data
import torch
from network import Network, Unsupported
from safetensors.torch import save_file
from torch.nn import functional


def train(network, training, validation, epochs, arguments):
    """Accuracy on what is held back, after each epoch."""
    images, classes = network.normalize(training[0]), training[1]
    held_images, held_classes = network.normalize(validation[0]), validation[1]
    batches = max(1, len(classes) // arguments.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, total_steps=epochs * batches)
    accuracies = []
    for _ in range(epochs):
        network.train()
        order = torch.randperm(len(classes))
        for batch in order[: batches * arguments.batch].chunk(batches):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(images[batch]), classes[batch], label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.inference_mode():
            found = torch.cat([network(chunk).argmax(1) for chunk in held_images.split(512)])
        accuracies.append((found == held_classes).float().mean().item())
    return accuracies


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", help="`digits`, or a folder of IDX files (default: digits)")
    parser.add_argument("--epochs", type=int, default=12, help="where the job does not say (default: 12)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.01, help="the largest learning rate (default: 0.01)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights", type=pathlib.Path, metavar="FOLDER", help="write trained weights: trial-N.safetensors")
    arguments = parser.parse_args()

    job = json.load(sys.stdin)
    if job["needs"]["latency"]:
        sys.exit("this program trains and does not time: let mnasc measure latency")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(job["seed"] % 2**63)
    try:
        network = Network(job["spec"])
    except Unsupported as error:
        sys.exit(str(error))
    training, validation = data.load(arguments.data)
    accuracies = train(network, training, validation, job["budget"]["epochs"] or arguments.epochs, arguments)
    if arguments.weights:
        arguments.weights.mkdir(parents=True, exist_ok=True)
        save_file(network.weights(), arguments.weights / f"{job['id']}.safetensors")
    print(json.dumps({"accuracy": accuracies[-1], "epochs": accuracies}))


if __name__ == "__main__":
    main()
