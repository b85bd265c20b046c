"""Why an import or one of its steps is refused."""

from app.kernel.errors import N_, Conflict, Invalid

MOST_PROBLEMS = 20_000
"""Cells. Whoever has more of them has chosen wrong columns, not wrong figures."""
BATCH = 200
"""Rows that are judged and written in one transaction: few, for other writers wait meanwhile."""
BATCH_CHARS = 2_000_000
MOST_FILE = 32 * 1024 * 1024
SHOWN = 100
"""Problems on the page; the workbook holds all of them."""


class NoFile(Invalid):
    """Nothing was chosen to be uploaded."""

    code = "bulk.no_file"
    message = N_("没有选择文件，或文件是空的")
    way_out = N_("选择一个 xlsx 或 CSV 文件再上传")
    field: str | None = "file"


class FileTooBig(Invalid):
    """The file itself is bigger than is taken."""

    code = "bulk.file_too_big"
    message = N_("文件有 %(size)s 兆字节，上限为 %(most)s 兆字节")
    way_out = N_("拆成几个文件分别导入，或另存为 xlsx")
    field: str | None = "file"
    size: int
    most: int


class NoRows(Invalid):
    """A heading alone is nothing to import."""

    code = "bulk.no_rows"
    message = N_("表格只有列名，没有数据行")
    way_out = N_("从第二行起填写数据后再上传")
    field: str | None = "file"


class ColumnMissing(Invalid):
    """A column that every row needs has no counterpart in the file."""

    code = "bulk.column_missing"
    message = N_("必需的列没有对应：%(columns)s")
    way_out = N_("为每个必需的列选择文件中的一列")
    field: str | None = "mapping"
    columns: str


class ColumnTwice(Invalid):
    """One column of the file was chosen for two fields."""

    code = "bulk.column_twice"
    message = N_("文件中的“%(heading)s”列被选择了不止一次")
    way_out = N_("每一列只对应一个字段")
    field: str | None = "mapping"
    heading: str


class WrongStep(Conflict):
    """The import has moved on since the page was read."""

    code = "bulk.wrong_step"
    message = N_("这次导入的状态是“%(state)s”，不能执行这一步")
    way_out = N_("请刷新页面查看最新状态")
    state: str


class NothingToWrite(Conflict):
    """Every row has a problem, or changes nothing."""

    code = "bulk.nothing_to_write"
    message = N_("没有可写入的行：%(failed)s 行有错误，%(unchanged)s 行与现有记录相同")
    way_out = N_("下载错误清单改正后重新上传")
    failed: int
    unchanged: int


class TooManyProblems(Invalid):
    """So many cells are wrong that the columns must be."""

    code = "bulk.too_many_problems"
    message = N_("错误超过 %(most)s 处，检查在第 %(line)s 行停止")
    way_out = N_("先核对各列是否对应正确，再重新检查")
    most: int
    line: int


class NoLongerAllowed(Conflict):
    """Whoever started the import has lost the post meanwhile."""

    code = "bulk.no_longer_allowed"
    message = N_("发起导入的人员已没有这项权限，导入停止")
    way_out = N_("由有权限的人员重新导入")


class BrokenOff(Conflict):
    """Something of the program failed; what was written before stays, nothing of the batch does."""

    code = "bulk.broken_off"
    message = N_("第 %(line)s 行之后的处理出错，导入停止；此前的行已处理完毕")
    way_out = N_("重新检查后再写入；仍然出错请联系运维人员")
    line: int
