"""From text to numbers: files, units, fields; a cell, steps and samples."""
