from __future__ import annotations

import json
from typing import Any

import pytest

from conftest_access import FunctionError
