"""The sub-commands of ``livingreview``: arguments and messages; the work is done in the other folders."""
