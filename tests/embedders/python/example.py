"""Makes the modules of examples/embed-python importable."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "embed-python"
sys.path.insert(0, str(FOLDER))
