"""From a file of measurements to numbers: text and cycler formats, columns, steps."""
