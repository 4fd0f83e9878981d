"""Discharge the default cell at three rates and print what it delivers."""

import pybamm
import pybamm_model_zoo as zoo

for rate in (0.5, 1, 4):
    simulation = pybamm.Simulation(zoo.load("ThinFilmCell")(), C_rate=rate)
    solution = simulation.solve([0, 2 * 3600 / rate])
    print(f"{rate}C: {1e3 * solution['Discharge capacity [A.h]'].entries[-1]:.3f} mA.h")
