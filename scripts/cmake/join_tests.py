#!/usr/bin/env python3
"""Joins test files to one translation unit, so that headers are read once.

    join_tests.py OUTPUT FILE...

What a file keeps to itself (its anonymous namespaces) goes to a namespace of its own name: files of a folder may use the
same names. Errors name the files themselves.
"""
import re
import sys
from pathlib import Path

output, files = Path(sys.argv[1]), sys.argv[2:]
text = ""
for file in files:
    own = "file_" + re.sub(r"\W", "_", Path(file).stem)
    body = re.sub(r"^namespace \{$", f"namespace {own} {{", Path(file).read_text(), flags=re.MULTILINE)
    text += f'#line 1 "{file}"\n{body}\n'
output.parent.mkdir(parents=True, exist_ok=True)
output.write_text(text)
