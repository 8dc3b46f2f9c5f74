"""The made-up people of the demo: nobody here exists, and no telephone number can be called."""

from __future__ import annotations

from dataclasses import dataclass

from anju_core.vocabulary import Role

ESTATES = ("春晖里", "淮风苑", "涂山佳园", "雪华新村")
"""Invented estates, five homes each."""


@dataclass(frozen=True, slots=True)
class Elder:
    """A resident; `born` is a year."""

    name: str
    gender: str
    born: int
    mobility: str = "行走自如"
    hearing: str = "听力正常"
    illnesses: str = ""
    pets: str = ""
    key_holder: str = ""


ELDERS = (
    Elder("王桂兰", "f", 1944, "拄拐杖，上下楼慢", "左耳背，请大声", "高血压、骨质疏松", "一只花猫", "女儿王敏"),
    Elder("李德明", "m", 1941, "助行器", "戴助听器", "冠心病、装有支架"),
    Elder("陈秀英", "f", 1946, illnesses="糖尿病，随身带糖"),
    Elder("张国强", "m", 1948, illnesses="慢阻肺，家用制氧机", key_holder="对门 502 刘阿姨"),
    Elder("刘玉珍", "f", 1939, "夜里起身需扶", "听力正常", "高血压、白内障术后"),
    Elder("赵福生", "m", 1943, pets="一条小黄狗，不咬人"),
    Elder("孙淑芬", "f", 1950, illnesses="轻度认知障碍，会忘事", key_holder="儿子孙磊"),
    Elder("周建国", "m", 1947, "右腿偏瘫", "听力正常", "脑梗后遗症"),
    Elder("吴凤琴", "f", 1942, hearing="双耳背，敲门要用力", illnesses="高血压"),
    Elder("郑长河", "m", 1945),
    Elder("钱玉兰", "f", 1949, illnesses="类风湿，手指握力差"),
    Elder("冯志远", "m", 1940, "轮椅", "戴助听器", "帕金森病"),
    Elder("蒋秀云", "f", 1951, pets="两只鹦鹉"),
    Elder("沈文彬", "m", 1946, illnesses="房颤，服华法林，易出血"),
    Elder("韩桂芝", "f", 1938, "拄拐杖", "听力正常", "骨质疏松、去年髋部骨折", key_holder="社区王姐"),
    Elder("杨明德", "m", 1952),
    Elder("朱月娥", "f", 1947, illnesses="糖尿病、视力差"),
    Elder("何家福", "m", 1944, hearing="右耳背"),
    Elder("许美华", "f", 1955, illnesses="哮喘"),
    Elder("高仁贵", "m", 1931, "助行器", "双耳背", "高血压、肾功能不全", key_holder="孙女高洁"),
)
_SURNAMES = "马罗梁宋唐邓曹彭曾萧田董袁潘于余叶杜"
_GIVEN = ("秀珍", "玉华", "桂英", "淑兰", "国栋", "建平", "德胜", "永福", "文海", "志华")


def elder(number: int) -> Elder:
    """The resident of the n-th home; beyond the named ones they are put together from a table."""
    if number <= len(ELDERS):
        return ELDERS[number - 1]
    given = _GIVEN[number % len(_GIVEN)]
    gender = "f" if number % len(_GIVEN) < 4 else "m"  # noqa: PLR2004 - the first four names are women's
    return Elder(_SURNAMES[number // len(_GIVEN) % len(_SURNAMES)] + given, gender, 1936 + number % 18)


@dataclass(frozen=True, slots=True)
class SeedPerson:
    """Somebody with an account; `home` is a relative's, `provider` a carer's or dispatcher's."""

    login: str
    name: str
    role: Role
    local: bool = False
    """Belongs to the community."""
    provider: str | None = None
    home: str | None = None
    shift_rank: int | None = None


PROVIDERS = {"anxin": "安心居家养老服务中心", "huaihe": "淮河护理站"}
PEOPLE = (
    SeedPerson("worker", "王姐", Role.WORKER, local=True, shift_rank=1),
    SeedPerson("worker2", "小李", Role.WORKER, local=True, shift_rank=2),
    SeedPerson("supervisor", "周主任", Role.SUPERVISOR, local=True, shift_rank=3),
    SeedPerson("carer", "陈护理员", Role.CARER, provider="anxin"),
    SeedPerson("carer2", "吴护理员", Role.CARER, provider="anxin"),
    SeedPerson("carer3", "孙护理员", Role.CARER, provider="huaihe"),
    SeedPerson("carer4", "马护理员", Role.CARER, provider="huaihe"),
    SeedPerson("provider", "安心调度刘姐", Role.PROVIDER, provider="anxin"),
    SeedPerson("provider2", "淮河调度老何", Role.PROVIDER, provider="huaihe"),
    SeedPerson("family", "王敏", Role.FAMILY, home="home-01"),
    SeedPerson("family2", "孙磊", Role.FAMILY, home="home-07"),
    SeedPerson("district", "区民政郑科", Role.DISTRICT),
    SeedPerson("tester", "测试员", Role.TESTER),
    SeedPerson("admin", "管理员", Role.ADMIN),
)
