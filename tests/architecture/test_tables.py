"""What the tables are does not depend on who imports them first."""

import json
import subprocess
import sys

import wsgi  # noqa: F401 - imports every table
from app.kernel.db import Base
from tests.peers import ROOT

TYPELESS = """
import importlib, json, sys
from app.kernel.db import Base
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns if column.type._isnull]))
"""


def test_every_column_has_its_type_when_the_tables_that_refer_come_before_those_referred_to() -> None:
    """A foreign key takes the type of what it refers to, and over three links it takes none when the last is imported last."""
    assert "suppliers" in Base.metadata.tables, "every table is known when the roof is"
    modules = {mapper.local_table: mapper.class_.__module__ for mapper in Base.registry.mappers}
    reverse = list(dict.fromkeys(modules[table] for table in reversed(Base.metadata.sorted_tables) if table in modules))
    answer = subprocess.run([sys.executable, "-c", TYPELESS, *reverse], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
