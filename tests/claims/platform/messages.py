"""Messages of the national platform as a hospital's vendor bundles them. Persons, hospitals and amounts are made up."""

from __future__ import annotations

import copy
import itertools
import json
import random
from typing import Any, Final

from tests.builders import MOTHER

HOSPITAL: Final = "H61030500102"
NAME: Final = "慕容测试娟"
SETTLEMENT: Final = "610300S26031300009316"
INFO: Final = "output.setlinfo."
DATA: Final = "input.data."
DISCHARGE: Final = "context_2402."
_serial = itertools.count(random.randrange(10**5))


def msgid(hospital: str = HOSPITAL, at: str = "20260313104215", serial: int | None = None) -> str:
    """30 characters: hospital, moment, number; another one each time."""
    return f"{hospital}{at}{(next(_serial) if serial is None else serial) % 10_000:04d}"


def _line(amount: str) -> dict[str, Any]:
    return {
        "feedetl_sn": "260313000005",
        "mdtrt_id": "610300G26030900017742",
        "med_list_codg": "003314000020000",
        "medins_list_name": "单胎顺产接生",
        "cnt": "1.0000",
        "pric": "860.000000",
        "det_item_fee_sumamt": amount,
    }


_AMOUNTS: Final = {
    "medfee_sumamt": "3018.24",
    "fulamt_ownpay_amt": "948.00",
    "overlmt_selfpay": "0.00",
    "preselfpay_amt": "34.98",
    "inscp_scp_amt": "2035.26",
}
_BUNDLE: Final[dict[str, Any]] = {
    "infno": "2304",
    "msgid": f"{HOSPITAL}202603131042150042",
    "mdtrtarea_admvs": "610305",
    "insuplc_admdvs": "610302",
    "recer_sys_code": "FSI_MAT",
    "opter_name": NAME,
    "inf_time": "2026-03-13 10:42:15",
    "fixmedins_code": HOSPITAL,
    "input": {
        "data": {
            "psn_no": "61000006100000000010012345",
            "mdtrt_id": "610300G26030900017742",
            "insutype": "310",
            "mid_setl_flag": "0",
            "dscgTime": "2026-03-13 09:30:00",
            **_AMOUNTS,
        }
    },
    "output": {
        "infcode": "0",
        "setlinfo": {
            "mdtrt_id": "610300G26030900017742",
            "setl_id": SETTLEMENT,
            "psn_no": "61000006100000000010012345",
            "psn_name": NAME,
            "psn_cert_type": "01",
            "certno": MOTHER,
            "gend": "2",
            "brdy": "1994-03-12",
            "insutype": "310",
            "setl_time": "2026-03-13 10:42:16",
            "med_type": "52",
            **_AMOUNTS,
            "hifp_pay": "0.00",
            "oth_pay": "2035.26",
            "hosp_part_amt": "0.00",
            "fund_pay_sumamt": "2035.26",
            "psn_part_amt": "982.98",
            "medins_setl_id": f"{HOSPITAL}-0042",
        },
        "setldetail": [{"fund_pay_type": "510100", "inscp_scp_amt": "2035.26", "fund_payamt": "2035.26"}],
    },
    "context_2402": {
        "mdtrt_id": "610300G26030900017742",
        "psn_no": "61000006100000000010012345",
        "begntime": "2026-03-10 03:15:00",
        "endtime": "2026-03-13 09:30:00",
        "oprn_oprt_code": "73.5900",
        "fpsc_no": "",
        "matn_type": "1",
        "birctrl_type": "",
        "latechb_flag": "",
        "geso_val": "39",
        "fetts": "1",
        "fetus_cnt": "1",
        "pret_flag": "0",
        "birctrl_matn_date": "2026-03-10",
        "diseinfo": [{"diag_code": "O80.000", "diag_name": "头位顺产", "dise_dor_name": "王慧"}],
    },
    "context_2301": {"feedetail_rows": 2, "feedetail": [_line("860.00"), _line("2158.24")]},
}


def settlement(changes: dict[str, Any] | None = None, /, **top: Any) -> dict[str, Any]:
    """A settled delivery. `changes` sets a value by its path; None takes the field away."""
    made = copy.deepcopy(_BUNDLE)
    for path, value in {**(changes or {}), **top}.items():
        put(made, path, value)
    return made


def put(content: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    inside: Any = content
    for step in steps:
        inside = inside[int(step)] if isinstance(inside, list) else inside.setdefault(step, {})
    if value is None:
        inside.pop(last, None)
    else:
        inside[int(last) if isinstance(inside, list) else last] = value


def undo(changes: dict[str, Any] | None = None, /) -> dict[str, Any]:
    """A settlement undone, by the platform's number of it."""
    made = {
        "infno": "2305",
        "msgid": msgid(at="20260314090000"),
        "inf_time": "2026-03-14 09:00:00",
        "fixmedins_code": HOSPITAL,
        "input": {
            "data": {
                "setl_id": SETTLEMENT,
                "mdtrt_id": "610300G26030900017742",
                "psn_no": "61000006100000000010012345",
            }
        },
        "output": {
            "infcode": "0",
            "setlinfo": {"setl_id": "610300S26031400000001", "setl_time": "2026-03-14 09:00:01"},
        },
    }
    for path, value in (changes or {}).items():
        put(made, path, value)
    return made


def totals(changes: dict[str, Any] | None = None, /) -> dict[str, Any]:
    """One day's totals of one hospital."""
    made = {
        "infno": "3201",
        "msgid": msgid(at="20260314010000"),
        "inf_time": "2026-03-14 01:00:00",
        "fixmedins_code": HOSPITAL,
        "input": {
            "data": {
                "insutype": "310",
                "clr_type": "21",
                "setl_optins": "610300",
                "stmt_begndate": "2026-03-13",
                "stmt_enddate": "2026-03-13",
                "medfee_sumamt": "6036.48",
                "fund_pay_sumamt": "4070.52",
                "acct_pay": "0.00",
                "fixmedins_setl_cnt": "2",
            }
        },
    }
    for path, value in (changes or {}).items():
        put(made, path, value)
    return made


def raw(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
