"""The committed images, the committed model, and buckets in memory."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from obstore.store import MemoryStore

from shpc_core import idx
from shpc_core.classifier import Classifier
from shpc_core.store import Bucket
from shpc_core.telemetry import ExecutionEnvironment, Invocation
from tests.core.reducing import INPUT, Job, duplicate

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data" / "fashion-mnist-3000"
MODEL = ROOT / "lambda_src" / "model" / "model.tflite"


@pytest.fixture(scope="session")
def data_directory() -> Path:
    return DATA


@pytest.fixture(scope="session")
def model_path() -> Path:
    return MODEL


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    return idx.decode((DATA / "images.idx").read_bytes(), item_shape=(28, 28), field="images")


@pytest.fixture(scope="session")
def labels() -> NDArray[np.uint8]:
    return idx.decode((DATA / "labels.idx").read_bytes(), item_shape=(), field="labels")


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier(MODEL)


@pytest.fixture
def inputs() -> Bucket:
    return Bucket(MemoryStore())


@pytest.fixture
def results() -> Bucket:
    return Bucket(MemoryStore())


@pytest.fixture
def invocation() -> Invocation:
    return ExecutionEnvironment("classify", {}).begin(memory_mb=512, request_id="request-1")


@pytest.fixture(scope="module")
def stored(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Bucket:
    inputs = Bucket(MemoryStore())
    inputs.put(INPUT.images, idx.encode(images))
    inputs.put("inputs/x/labels.idx", idx.encode(labels))
    return inputs


@pytest.fixture(scope="module")
def classified(stored: Bucket, classifier: Classifier) -> Job:
    """120 shards of 25 images: two groups, of 100 and of 20 shards."""
    return Job(stored, classifier, 25)


@pytest.fixture
def job(classified: Job) -> Job:
    """A copy of `classified` to do with as a test likes."""
    job = copy.copy(classified)
    job.inputs, job.results = duplicate(classified.inputs), duplicate(classified.results)
    return job
