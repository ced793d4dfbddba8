"""The file formats that databases export; each reader returns blocks of named fields, see :mod:`.blocks`."""
