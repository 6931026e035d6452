"""The simulator with labelled truth and the fraud benchmark. See README.md beside this file.

python -m loadtests.fraud simulate --seed 1 --out ballots.csv --labels labels.csv
python -m loadtests.fraud [--seeds 6-25] [--quick]
"""
