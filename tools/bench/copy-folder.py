"""`cp -r FROM TO`, then fsync of everything it wrote.

    python copy-folder.py FROM TO
"""

import subprocess
import sys
from pathlib import Path

from durable import sync_folder

source, target = sys.argv[1:]
subprocess.run(["cp", "-r", source, target], check=True)
sync_folder(Path(target))
