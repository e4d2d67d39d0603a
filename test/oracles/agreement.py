"""Golden values of the agreement statistics from SciPy, statsmodels and pingouin.

    python test/oracles/agreement.py > test/fixtures/agreement.json

Needs numpy, scipy, pandas, statsmodels and pingouin.
"""

import json

import numpy as np
import pandas as pd
import pingouin
import statsmodels.api as sm
from scipy import stats

shares = [0.005, 0.025, 0.1, 0.5, 0.8, 0.95, 0.975, 0.999]
degrees = [1, 2, 5, 21, 100, 2500]
quantiles = [
    {"p": p, "df": df, "t": stats.t.ppf(p, df), "chiSquare": stats.chi2.ppf(p, df)} for p in shares for df in degrees
]

rng = np.random.default_rng(7)
reference = rng.lognormal(1.5, 1.0, 22)
measured = reference * rng.lognormal(0.1, 0.2, 22)
difference = measured - reference
described = sm.stats.DescrStatsW(difference)
bias_low, bias_high = described.tconfint_mean()

import matplotlib  # noqa: E402

matplotlib.use("Agg")
# pingouin draws the limits that it computes: bias, lower and upper limit are its three solid and dashed lines
axes = pingouin.plot_blandaltman(measured, reference, agreement=stats.norm.ppf(0.975), confidence=None, annotate=False)
lines = sorted({round(float(line.get_ydata()[0]), 12) for line in axes.get_lines() if len(set(line.get_ydata())) == 1} - {0.0})

fit = sm.OLS(measured, sm.add_constant(reference)).fit()

# two to four measurements of each of 30 lesions; the residual variance of a one-way ANOVA is the within-lesion variance
groups = [list(rng.normal(rng.normal(10, 4), 0.8, rng.integers(1, 5))) for _ in range(30)]
table = pd.DataFrame([(i, value) for i, group in enumerate(groups) for value in group], columns=["lesion", "value"])
repeated = table.groupby("lesion").filter(lambda g: len(g) > 1)
anova = pingouin.anova(data=repeated, dv="value", between="lesion", detailed=True)
within = anova.loc[anova["Source"] == "Within"].iloc[0]

print(
    json.dumps(
        {
            "quantiles": quantiles,
            "reference": reference.tolist(),
            "measured": measured.tolist(),
            "bias": float(described.mean),
            "sd": float(difference.std(ddof=1)),
            "biasInterval": {"low": float(bias_low), "high": float(bias_high)},
            "pingouinLines": lines,
            "line": {"slope": fit.params[1], "intercept": fit.params[0], "rSquared": fit.rsquared},
            "repeated": groups,
            "withinMeanSquare": float(within["MS"]),
            "withinDegrees": int(within["DF"]),
        }
    )
)
