; Judges histories with Knossos; the script `judge` beside this file starts it.
(ns judge
  (:require [clojure.edn :as edn]
            [clojure.java.io :as io]
            [clojure.string :as str]
            [knossos.history :as history]
            [knossos.linear :as linear]
            [knossos.model :as model]
            [knossos.wgl :as wgl])
  (:import (com.sun.management OperatingSystemMXBean)
           (java.lang.management ManagementFactory)
           (java.nio.file Files Paths)))

(def analyses {"linear" linear/analysis, "wgl" wgl/analysis})

(defn used-s
  "The processor seconds of the whole process: its compiler and its garbage collector too."
  []
  (/ (.getProcessCpuTime ^OperatingSystemMXBean (ManagementFactory/getOperatingSystemMXBean)) 1e9))

(defn peak-mb []
  (let [lines (Files/readAllLines (Paths/get "/proc/self/status" (into-array String [])))
        line (first (filter #(str/starts-with? % "VmHWM:") lines))]
    (quot (parse-long (second (str/split line #"\s+"))) 1024)))

(defn events [file]
  (with-open [lines (io/reader file)]
    (history/parse-ops (mapv edn/read-string (line-seq lines)))))

(let [[analysis file] *command-line-args*
      history (events file)
      begun (used-s)
      valid? (:valid? ((analyses analysis) (model/cas-register) history))]
  (println (format "%s %.6f %d"
                   (case valid? true "Ok" false "Illegal" "Unknown")
                   (- (used-s) begun)
                   (peak-mb)))
  (System/exit 0))
