"""Backups of an installation: a directory with its database and its blobs, as of one moment.

::

    manifest.json          what there is, with checksums; written last, so a backup has one
    database/SCHEMA.TABLE.gz   the rows as PostgreSQL's COPY writes them
    objects.jsonl          key, size and SHA-256 of every blob
    objects/KEY            the blobs

The tables are read in one snapshot, while everybody works on. Blobs never change, and one that a
row of the snapshot refers to stays in the store for a day after nobody refers to it any more; so
they are copied afterwards, and what was stored meanwhile does no harm. Only what bears witness of
the database, the copies of the trail's checkpoints, must know no more than the snapshot does: it
is copied before.

A restore checks every byte, stores the blobs, and then builds the schemas as they were and fills
them, in one transaction. What starts afterwards brings the schemas up to date.
"""
