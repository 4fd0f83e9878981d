"""The model as an entry of pybamm-model-zoo: ``zoo.load("ThinFilmCell")``."""
