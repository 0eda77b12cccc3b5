variable "name" {
  description = "Name of the installation, as in footfall aws synth --name: the beginning of every name."
  type        = string
  default     = "footfall"
}

variable "templates" {
  description = "Folder that footfall aws synth --plain wrote, with --set workflow=false: the workflow is made here."
  type        = string
}

variable "architecture" {
  description = "Processor of the functions, as the bundles were built for."
  type        = string
  default     = "arm64"
}

variable "log_days" {
  description = "Retention of the workflow's logs."
  type        = number
  default     = 14
}

variable "memory_mib" {
  description = "Memory of the workflow's functions."
  type        = number
  default     = 1024
}
