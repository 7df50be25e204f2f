"""A small application that the chassis is tested on: a warehouse with parcels and labels."""
