# Golden results of the three-level model: metafor's rma.mv with clubSandwich's CR2 and Satterthwaite.
#
# Run from the root of the repository (Debian: r-cran-metafor, r-cran-clubsandwich, r-cran-jsonlite):
#   Rscript validation/r/multilevel.R
# writes tests/golden/multilevel/<case>.json, one file per case, data and results together. The data are
# simulated here; the seed is in the `source` block.
suppressPackageStartupMessages({
  library(metafor)
  library(clubSandwich)
  library(jsonlite)
})
out <- file.path("tests", "golden", "multilevel")
dir.create(out, recursive = TRUE, showWarnings = FALSE)

simulate <- function(seed, sizes, between, within, centre, v_range) {
  set.seed(seed)
  study <- rep(seq_along(sizes), sizes)
  n <- length(study)
  v <- runif(n, v_range[1], v_range[2])
  x <- round(rnorm(n), 3)                      # varies within studies
  group <- ifelse(study %% 2 == 0, 1, 0)       # constant within studies
  y <- centre + rnorm(max(study), 0, sqrt(between))[study] + rnorm(n, 0, sqrt(within + v))
  data.frame(study = sprintf("S%02d", study), y = y, v = v, x = x, group = group)
}

fit_one <- function(data, method, formula) {
  data$row <- seq_len(nrow(data))
  # optim's BFGS at tight tolerances: rma.mv's default stops at about 1e-5 in the variances.
  model <- rma.mv(y, v, mods = formula, random = ~ 1 | study / row, data = data, method = method, sparse = FALSE,
                  control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 5000))
  cr2 <- vcovCR(model, cluster = data$study, type = "CR2")
  tests <- coef_test(model, vcov = cr2, test = "Satterthwaite")
  limits <- conf_int(model, vcov = cr2, test = "Satterthwaite", level = 0.95)
  list(
    method = method, moderators = I(setdiff(rownames(model$beta), "intrcpt")),
    coefficients = I(as.numeric(model$beta)), covariance = unname(model$vb),
    between = model$sigma2[1], within = model$sigma2[2],
    log_likelihood = as.numeric(logLik(model)), q = model$QE, q_p = model$QEp,
    cr2 = unname(as.matrix(cr2)), robust_se = I(tests$SE),
    df = I(if (is.null(tests$df)) tests$df_Satt else tests$df),
    p = I(if (is.null(tests$p_Satt)) tests$p_val else tests$p_Satt),
    lower = I(limits$CI_L), upper = I(limits$CI_U)
  )
}

cases <- list(
  dice_like = list(seed = 11, sizes = c(3, 3, 1, 2, 4, 3, 3, 2, 1, 3, 6, 3), between = 4e-4, within = 9e-4,
                   centre = 0.91, v_range = c(2e-5, 4e-4)),
  few_studies = list(seed = 12, sizes = c(3, 2, 3, 3, 2), between = 2.0, within = 1.0, centre = 8, v_range = c(0.2, 3)),
  no_between = list(seed = 16, sizes = c(4, 4, 5, 3, 4, 2), between = 0, within = 0.5, centre = 0, v_range = c(0.05, 0.3)),
  no_heterogeneity = list(seed = 31, sizes = c(2, 3, 2, 4, 3, 2, 2), between = 0, within = 0, centre = 1,
                          v_range = c(0.5, 1.5)),
  hausdorff_like = list(seed = 15, sizes = rep(c(1, 2, 3), 10), between = 6, within = 3, centre = 9,
                        v_range = c(0.05, 4))
)
for (name in names(cases)) {
  case <- cases[[name]]
  data <- do.call(simulate, case)
  fits <- list(
    fit_one(data, "REML", ~ 1), fit_one(data, "ML", ~ 1), fit_one(data, "REML", ~ x), fit_one(data, "REML", ~ x + group)
  )
  document <- list(
    source = list(
      script = "validation/r/multilevel.R", R = R.version.string, metafor = as.character(packageVersion("metafor")),
      clubSandwich = as.character(packageVersion("clubSandwich")),
      call = "rma.mv(y, v, mods, random = ~ 1 | study/row); vcovCR(type = 'CR2'); coef_test(test = 'Satterthwaite')",
      data = "simulated", simulation = case
    ),
    data = as.list(data), fits = fits
  )
  write_json(document, file.path(out, paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")
}
