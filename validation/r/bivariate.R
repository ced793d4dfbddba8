# What R says about the bivariate models: lme4 and glmmTMB (Laplace) for the binomial one, metafor for the normal one.
#
# Run from the root of the repository (Debian: r-cran-lme4 r-cran-glmmtmb r-cran-metafor r-cran-jsonlite):
#   Rscript validation/r/bivariate.R [folder of data sets] > validation/r/bivariate.json
# The folder holds CSV files with columns study, tp, fp, fn, tn; by default tests/golden/datasets.
suppressPackageStartupMessages({
  library(lme4)
  library(glmmTMB)
  library(metafor)
  library(jsonlite)
})

arms <- function(d) {
  k <- nrow(d)
  data.frame(
    id = factor(rep(seq_len(k), 2)), sens = rep(1:0, each = k), spec = rep(0:1, each = k),
    arm = factor(rep(c("sens", "spec"), each = k)), y = c(d$tp, d$tn), n = c(d$tp + d$fn, d$tn + d$fp)
  )
}

logits <- function(d) {
  half <- if (any(d[, c("tp", "fp", "fn", "tn")] == 0)) 0.5 else 0
  x <- arms(d)
  x$yi <- log(x$y + half) - log(x$n - x$y + half)
  x$vi <- 1 / (x$y + half) + 1 / (x$n - x$y + half)
  # The log-density of the proportions: what mada reports, and what this package reports.
  attr(x, "jacobian") <- sum(2 * log1p(exp(x$yi)) - x$yi)
  x
}

estimates <- function(means, psi, value, vcov) {
  list(mu = I(unname(means)), mu_cov = unname(as.matrix(vcov)), between_study_cov = unname(as.matrix(psi)),
       log_likelihood = as.numeric(value))
}

# A fit that fails, or warns that it did, is recorded with its message and not with numbers alone.
attempt <- function(call) {
  said <- character()
  result <- tryCatch(
    withCallingHandlers(call(), warning = function(w) {
      said <<- c(said, conditionMessage(w))
      invokeRestart("muffleWarning")
    }),
    error = function(e) list(error = conditionMessage(e))
  )
  c(result, list(messages = I(unique(said))))
}

by_lme4 <- function(x) {
  m <- suppressMessages(glmer(
    cbind(y, n - y) ~ 0 + sens + spec + (0 + sens + spec | id), data = x, family = binomial,
    control = glmerControl(optimizer = "bobyqa", tolPwrss = 1e-10, optCtrl = list(maxfun = 1e5))
  ))
  estimates(fixef(m), matrix(VarCorr(m)$id, 2), logLik(m), vcov(m))
}

by_glmmTMB <- function(x) {
  m <- glmmTMB(cbind(y, n - y) ~ 0 + sens + spec + (0 + sens + spec | id), data = x, family = binomial)
  estimates(fixef(m)$cond, matrix(VarCorr(m)$cond$id, 2), logLik(m), vcov(m)$cond)
}

by_metafor <- function(x, method) {
  m <- rma.mv(yi, vi, mods = ~ 0 + arm, random = ~ arm | id, struct = "UN", data = x, method = method,
              sparse = TRUE, control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-14, maxit = 2000))
  psi <- diag(sqrt(m$tau2)) %*% matrix(c(1, m$rho, m$rho, 1), 2) %*% diag(sqrt(m$tau2))
  # metafor's restricted likelihood has the term log|X'X|/2, k for each mean here, that mada's has not.
  extra <- if (method == "REML") -0.5 * log(det(crossprod(model.matrix(m)))) else 0
  estimates(as.numeric(m$beta), psi, as.numeric(logLik(m)) + attr(x, "jacobian") + extra, m$vb)
}

folder <- commandArgs(trailingOnly = TRUE)
folder <- if (length(folder)) folder[1] else file.path("tests", "golden", "datasets")
results <- list(software = list(
  R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
  glmmTMB = as.character(packageVersion("glmmTMB")), metafor = as.character(packageVersion("metafor"))
))
for (path in sort(list.files(folder, pattern = "[.]csv$", full.names = TRUE))) {
  data <- read.csv(path)
  binomial_arms <- arms(data)
  normal_arms <- logits(data)
  results[[sub("[.]csv$", "", basename(path))]] <- list(
    k = nrow(data),
    lme4 = attempt(function() by_lme4(binomial_arms)),
    glmmTMB = attempt(function() by_glmmTMB(binomial_arms)),
    # rma.mv works with matrices of all rows at once and takes minutes at k = 500.
    metafor_ml = if (nrow(data) <= 100) attempt(function() by_metafor(normal_arms, "ML")),
    metafor_reml = if (nrow(data) <= 100) attempt(function() by_metafor(normal_arms, "REML"))
  )
}
cat(toJSON(results, auto_unbox = TRUE, digits = 12, pretty = TRUE, na = "null"), "\n")
