#!/bin/sh
# Library: Django 5.2.19 and Tortoise ORM 1.1.9 beside Peewee 4.5.3 and SQLAlchemy 2.1.9 (PyPI)
# Summary: exclude(owner="a") keeps the rows without an owner in Django and leaves them out in Tortoise, which has
#   Django's words; Tortoise's own owner__not="a" keeps them, and exclude(score__gt=7) keeps rows without a score.
# Guess: a negated filter (owner is not a, owner not in a list, score not above 7) leaves rows with NULL out in each, as
#   SQL does.
# Behavior: Django adds AND owner IS NOT NULL within the negation, and Tortoise OR owner IS NULL to __not and __not_in;
#   neither does it for the other way to write it. Peewee and SQLAlchemy write what SQL has.
# Output:
#     1 is of a with 9.8, 2 of nobody without a score, 3 of b with 5
#     Django, exclude(owner="a"): 2, 3
#     Django, exclude(owner__in=["a"]): 2, 3
#     Django, exclude(score__gt=7): 2, 3
#     Django, filter(score__lte=7): 3
#     Tortoise, exclude(owner="a"): 3
#     Tortoise, exclude(owner__in=["a"]): 3
#     Tortoise, filter(owner__not="a"): 2, 3
#     Tortoise, filter(owner__not_in=["a"]): 2, 3
#     Tortoise, exclude(score__gt=7): 3
#     Peewee, ~(owner == "a"): 3
#     SQLAlchemy, ~(owner == "a"): 3
# Why it matters: a list of what is left to do, moved from one to the other, gains or loses what nobody owns and nothing
#   has scored, which is what should be looked at first. Say owner__isnull in each.
set -eu
packages="django==5.2.19 tortoise-orm==1.1.9 peewee==4.5.3 sqlalchemy==2.1.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/filters.py" <<'END'
import asyncio

import django
import peewee
import sqlalchemy
import tortoise
import tortoise.expressions
import tortoise.fields
from django.conf import settings

ROWS = [
    {"id": 1, "owner": "a", "score": 9.8},
    {"id": 2, "owner": None, "score": None},
    {"id": 3, "owner": "b", "score": 5},
]


def show(name, rows):
    print(f"{name}: {', '.join(str(row.id) for row in rows)}")


print("1 is of a with 9.8, 2 of nobody without a score, 3 of b with 5")
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
from django.db import connection, models  # noqa: E402


class Finding(models.Model):
    id = models.IntegerField(primary_key=True)
    owner = models.TextField(null=True)
    score = models.FloatField(null=True)

    class Meta:
        app_label = "findings"


with connection.schema_editor() as editor:
    editor.create_model(Finding)
for row in ROWS:
    Finding.objects.create(**row)
show('Django, exclude(owner="a")', Finding.objects.exclude(owner="a"))
show('Django, exclude(owner__in=["a"])', Finding.objects.exclude(owner__in=["a"]))
show("Django, exclude(score__gt=7)", Finding.objects.exclude(score__gt=7))
show("Django, filter(score__lte=7)", Finding.objects.filter(score__lte=7))


class OfTortoise(tortoise.Model):
    id = tortoise.fields.IntField(primary_key=True)
    owner = tortoise.fields.TextField(null=True)
    score = tortoise.fields.FloatField(null=True)


async def main():
    await tortoise.Tortoise.init(db_url="sqlite://:memory:", modules={"models": ["__main__"]})
    await tortoise.Tortoise.generate_schemas()
    for row in ROWS:
        await OfTortoise.create(**row)
    show('Tortoise, exclude(owner="a")', await OfTortoise.exclude(owner="a"))
    show('Tortoise, exclude(owner__in=["a"])', await OfTortoise.exclude(owner__in=["a"]))
    show('Tortoise, filter(owner__not="a")', await OfTortoise.filter(owner__not="a"))
    show('Tortoise, filter(owner__not_in=["a"])', await OfTortoise.filter(owner__not_in=["a"]))
    show("Tortoise, exclude(score__gt=7)", await OfTortoise.exclude(score__gt=7))
    await tortoise.Tortoise.close_connections()


asyncio.run(main())


class OfPeewee(peewee.Model):
    owner = peewee.TextField(null=True)
    score = peewee.FloatField(null=True)

    class Meta:
        database = peewee.SqliteDatabase(":memory:")


OfPeewee.create_table()
OfPeewee.insert_many(ROWS).execute()
show('Peewee, ~(owner == "a")', OfPeewee.select().where(~(OfPeewee.owner == "a")))

table = sqlalchemy.Table("findings", sqlalchemy.MetaData(), *(sqlalchemy.Column(name) for name in ROWS[0]))
engine = sqlalchemy.create_engine("sqlite://")
with engine.begin() as database:
    database.execute(sqlalchemy.text("CREATE TABLE findings (id INTEGER, owner TEXT, score REAL)"))
    database.execute(table.insert(), ROWS)
    show('SQLAlchemy, ~(owner == "a")', database.execute(table.select().where(~(table.c.owner == "a"))))
END
"$dir/bin/python" "$dir/filters.py" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
